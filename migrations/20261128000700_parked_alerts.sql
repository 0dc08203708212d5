-- A rule may look for runs that Holon parked. Builds before do not look at such a rule; before going back to one, delete the rules that
-- say `run_parked`: it cannot list them.

alter table alert_rule drop constraint alert_rule_what_check;
alter table alert_rule add constraint alert_rule_what_check check (
  what in ('run_failed', 'run_parked', 'error_rate', 'queue_age', 'schedule_missed', 'approval_waiting', 'poll_failing')
);
