-- A line may be ten thousand runs long, and somebody looks at it whenever one of them ends: those that wait and those that go on are
-- found apart, so that such a look reads as many rows as there are free places, and not the whole line.

create index run_place_next on run_place (tenant_id, flow_id, key, position) where state = 'waiting';
create index run_place_going on run_place (tenant_id, flow_id, key) where state = 'going';
drop index run_place_waiting;
-- `run_place_in_order` stays for builds before this one that run beside it; a later migration takes it away.
