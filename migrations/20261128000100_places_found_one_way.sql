-- Runs that stand in a line are found by `run_place_next` and `run_place_going`. The index before those made a bad choice possible: a plan
-- made while a tenant had hardly any places went through all of them to find one by its run.

drop index run_place_in_order;
