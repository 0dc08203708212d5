-- Connections that are a server of their own, spoken to in another protocol than HTTP: a mail server, a database. The secret is
-- the password there; everything else is no secret and stands in columns.

alter table connection add column host text;
alter table connection add column port int check (port between 1 and 65535);
alter table connection add column tls text check (tls in ('tls', 'starttls', 'none'));
-- Who signs in, and for a database which one.
alter table connection add column login text;
alter table connection add column database text;
-- Who mail is from unless a node says otherwise.
alter table connection add column sender text;
alter table connection drop constraint connection_kind_check;
alter table connection add constraint connection_kind_check
  check (kind in ('http_bearer', 'http_header', 'http_basic', 'hmac_key', 'smtp', 'postgres'));
alter table connection add constraint a_server_has_its_place check
  ((kind in ('smtp', 'postgres')) = (host is not null) and (host is null) = (port is null) and (host is null) = (tls is null));
