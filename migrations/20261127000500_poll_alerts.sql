-- A rule may look for polls that have failed for a while. Builds before do not know such a rule: beside a newer server their looks at
-- rules fail and are made by that one; before going back to such a build, delete the rules that say `poll_failing`.

alter table alert_rule drop constraint alert_rule_what_check;
alter table alert_rule add constraint alert_rule_what_check check (
  what in ('run_failed', 'error_rate', 'queue_age', 'schedule_missed', 'approval_waiting', 'poll_failing')
);
