-- When a subscription was last set back: an event that it is to take again has waited since then, not since it was published. Builds before
-- do not write it; what they set back counts from its publishing.

alter table subscription add column set_back_at timestamptz;
