-- What the roles may do in one database. Run in that database by whoever made it; safe to run again.
do $$
begin
  -- Giving the schema away takes membership in its new owner, which only a superuser has by itself.
  if not (select rolsuper from pg_roles where rolname = current_user) then
    execute format('grant holon_owner to %I', current_user);
  end if;
end $$;
alter schema public owner to holon_owner;
revoke all on schema public from public;
grant usage on schema public to holon_app, holon_auth, holon_engine;
