-- People and the instance: what exists before and beside any tenant. Only holon_auth reaches these tables.

create table person (
  person_id uuid primary key,
  name text not null check (char_length(name) between 1 and 100),
  -- As typed, for showing; email_key is lower case and what people are found by.
  email text not null check (char_length(email) <= 254),
  email_key text not null unique,
  password_hash text not null,
  operator boolean not null default false,
  created_at timestamptz not null,
  disabled_at timestamptz
);
grant select, insert on person to holon_auth;
grant update (password_hash) on person to holon_auth;

-- The operator's decisions, one row a setting.
create table instance_setting (
  name text primary key check (name in ('sign_up')),
  value text not null,
  changed_at timestamptz not null,
  changed_by uuid references person,
  constraint sign_up_is_a_policy check (name <> 'sign_up' or value in ('open', 'invitation', 'closed'))
);
grant select, insert, update on instance_setting to holon_auth;

-- Links that let one person sign up while sign-up is by invitation.
create table invitation (
  token_hash bytea primary key,
  created_by uuid not null references person,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  used_at timestamptz,
  used_by uuid references person
);
grant select, insert, update on invitation to holon_auth;
