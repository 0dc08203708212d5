// The flow of the benchmark in @xyflow/react, built as its documentation advises for large graphs: node types outside of the component,
// memoised nodes that read nothing but their own data, memoised callbacks, nodes of a known width.
import { memo, useCallback } from 'react';
import { createRoot } from 'react-dom/client';
import { Background, Controls, Handle, Position, ReactFlow, addEdge, useEdgesState, useNodesState } from '@xyflow/react';
import '@xyflow/react/dist/style.css';
import './card.css';

const HEAD = 56;
const ROW = 24;

/** Where the ports of a side stand, as on Holon's cards. */
const top = (index, count) => (count <= 1 ? HEAD / 2 : HEAD + ROW * index + ROW / 2);

const Icon = ({ name }) => (
  <svg className="icon" aria-hidden="true">
    <use href={`/icons.svg#${name}`} />
  </svg>
);

/** A card with what Holon's has: icon, name, line, ports with their names, bodies, state, what came in and went out. */
const Card = memo(function Card({ id, data }) {
  const { icon, line, inputs, outputs, bodies, state, succeeded } = data;
  const rows = outputs.length > 1 ? outputs.length : 0;
  return (
    <>
      <div className="card-head" style={{ height: HEAD }}>
        <span className="card-icon"><Icon name={icon} /></span>
        <span className="card-words">
          <span className="card-title">{id}</span>
          <span className="card-line" title={line}>{line}</span>
        </span>
      </div>
      <span className="card-state"><Icon name={succeeded ? 'circle-check' : 'circle-minus'} /></span>
      <div className="card-rows" style={{ marginTop: rows * ROW }}>
        {bodies.map(({ name, nodes }) => (
          <button key={name} type="button" className="card-row" style={{ height: ROW }}>
            <span className="card-name">{name}</span>
            <span className="muted">{nodes} nodes</span>
            <Icon name="chevron-right" />
          </button>
        ))}
      </div>
      <div className="card-foot" title={state}>{state}</div>
      {inputs.map((port, index) => (
        <Handle key={port} type="target" id={port} position={Position.Left} style={{ top: top(index, inputs.length) }} />
      ))}
      {outputs.map((port, index) => (
        <Handle key={port} type="source" id={port} position={Position.Right} style={{ top: top(index, outputs.length) }}>
          {outputs.length > 1 && <span className="port-label">{port}</span>}
        </Handle>
      ))}
    </>
  );
});

const nodeTypes = { card: Card };
const proOptions = { hideAttribution: true };

function Flow({ drawing, viewport, culled }) {
  const [nodes, , onNodesChange] = useNodesState(drawing.nodes);
  const [edges, setEdges, onEdgesChange] = useEdgesState(drawing.edges);
  const onConnect = useCallback((connection) => setEdges((before) => addEdge(connection, before)), [setEdges]);
  const onInit = useCallback((flow) => {
    window.flow = flow;
  }, []);
  return (
    <ReactFlow
      nodes={nodes}
      edges={edges}
      nodeTypes={nodeTypes}
      onNodesChange={onNodesChange}
      onEdgesChange={onEdgesChange}
      onConnect={onConnect}
      onInit={onInit}
      defaultViewport={viewport}
      minZoom={0.1}
      maxZoom={2.5}
      snapToGrid
      snapGrid={[8, 8]}
      // As on Holon's canvas the wheel pans, and zooms with the control key.
      panOnScroll
      onlyRenderVisibleElements={culled}
      proOptions={proOptions}
    >
      <Background gap={24} />
      <Controls />
    </ReactFlow>
  );
}

const asked = new URLSearchParams(location.search);
const number = (name) => Number(asked.get(name));
const root = document.querySelector('#root');
// Where Holon's canvas stands, so that the same gestures do the same.
Object.assign(root.style, { left: `${number('left')}px`, top: `${number('top')}px`, width: `${number('width')}px`, height: `${number('height')}px` });
const answer = await fetch(`/flow-${number('nodes')}.json`);
const { drawing } = await answer.json();
const viewport = { x: number('x'), y: number('y'), zoom: number('zoom') };
createRoot(root).render(<Flow drawing={drawing} viewport={viewport} culled={asked.has('culled')} />);
