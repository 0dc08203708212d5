-- Alert rules that tell by mail: through which connection stands in `connection`, and to whom here.

alter table alert_rule add column recipients text[];
alter table alert_rule drop constraint alert_rule_channel_check;
alter table alert_rule add constraint alert_rule_channel_check check (channel in ('webhook', 'chat', 'flow', 'email'));
alter table alert_rule add constraint mail_goes_to_somebody check
  ((channel = 'email') = (recipients is not null) and (channel <> 'email' or (connection is not null and sealed is null)));
