// Restate's side of the comparison: a service with three journaled steps that do nothing. Arguments: the folder of the
// SDK's package, and the port to serve on.
import { pathToFileURL } from 'node:url';

// The SDK uses it and Node has it since 22: without it every call would hang.
Promise.withResolvers ??= () => {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
};

const [sdk, port] = process.argv.slice(2);
const restate = await import(pathToFileURL(`${sdk}/dist/index.js`));

const three = restate.service({
  name: 'Three',
  handlers: {
    run: async (context, given) => {
      for (const step of ['a', 'b', 'c']) await context.run(step, async () => null);
      return given;
    },
  },
});
restate.serve({ services: [three], port: Number(port) });
