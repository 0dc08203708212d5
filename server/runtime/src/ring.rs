//! What waits, of many tenants, who take turns: one with ten thousand waiting delays another's single one by no more than one turn.

use std::collections::{HashMap, VecDeque};

use holon_model::TenantId;

/// Tenants in the order of their turns, each with what waits for it, first come first served.
pub(crate) struct Ring<T> {
    turns: VecDeque<TenantId>,
    waiting: HashMap<TenantId, VecDeque<T>>,
}

impl<T> Default for Ring<T> {
    fn default() -> Self {
        Self { turns: VecDeque::new(), waiting: HashMap::new() }
    }
}

impl<T> Ring<T> {
    pub fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }

    pub fn push(&mut self, tenant: TenantId, item: T) {
        let queue = self.waiting.entry(tenant).or_default();
        if queue.is_empty() {
            self.turns.push_back(tenant);
        }
        queue.push_back(item);
    }

    /// Before everything else.
    pub fn push_front(&mut self, tenant: TenantId, item: T) {
        self.turns.retain(|other| *other != tenant);
        self.turns.push_front(tenant);
        self.waiting.entry(tenant).or_default().push_front(item);
    }

    /// How much waits of a tenant.
    pub fn of(&self, tenant: TenantId) -> usize {
        self.waiting.get(&tenant).map_or(0, VecDeque::len)
    }

    /// What is next, of the tenants that may.
    pub fn peek(&self, may: impl Fn(TenantId) -> bool) -> Option<&T> {
        let tenant = self.turns.iter().find(|tenant| may(**tenant))?;
        self.waiting.get(tenant)?.front()
    }

    /// Takes what is next, of the tenants that may; it is the turn of those behind it then.
    pub fn next(&mut self, may: impl Fn(TenantId) -> bool) -> Option<(TenantId, T)> {
        let place = self.turns.iter().position(|tenant| may(*tenant))?;
        let tenant = self.turns.remove(place)?;
        let queue = self.waiting.get_mut(&tenant)?;
        let item = queue.pop_front();
        if queue.is_empty() {
            self.waiting.remove(&tenant);
        } else {
            self.turns.push_back(tenant);
        }
        Some((tenant, item?))
    }

    /// What is next of each tenant.
    pub fn fronts(&self) -> impl Iterator<Item = (TenantId, &T)> {
        self.waiting.iter().filter_map(|(tenant, queue)| Some((*tenant, queue.front()?)))
    }

    /// Everything, in no order.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.waiting.values().flatten()
    }

    /// Takes everything, tenant by tenant in the order of their turns.
    pub fn drain(&mut self) -> Vec<T> {
        let Self { turns, waiting } = self;
        turns.drain(..).filter_map(|tenant| waiting.remove(&tenant)).flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn tenant(number: u128) -> TenantId {
        TenantId(Uuid::from_u128(number))
    }

    fn order(ring: &mut Ring<&'static str>, may: impl Fn(TenantId) -> bool) -> Vec<&'static str> {
        std::iter::from_fn(|| ring.next(&may)).map(|(_, item)| item).collect()
    }

    #[test]
    fn tenants_take_turns_however_much_one_of_them_has_waiting() {
        let mut ring = Ring::default();
        ["a1", "a2", "a3", "a4"].into_iter().for_each(|item| ring.push(tenant(1), item));
        ring.push(tenant(2), "b1");
        ring.push(tenant(3), "c1");
        ring.push(tenant(2), "b2");
        assert_eq!(ring.peek(|_| true), Some(&"a1"));
        assert_eq!(order(&mut ring, |_| true), ["a1", "b1", "c1", "a2", "b2", "a3", "a4"]);
        assert!(ring.is_empty());
    }

    #[test]
    fn a_tenant_that_may_not_waits_and_the_others_do_not() {
        let mut ring = Ring::default();
        ["a1", "a2"].into_iter().for_each(|item| ring.push(tenant(1), item));
        ring.push(tenant(2), "b1");
        assert_eq!(ring.peek(|of| of != tenant(1)), Some(&"b1"));
        assert_eq!(order(&mut ring, |of| of != tenant(1)), ["b1"]);
        ring.push_front(tenant(2), "b0");
        assert_eq!(ring.fronts().count(), 2);
        assert_eq!(ring.drain(), ["b0", "a1", "a2"]);
        assert!(ring.is_empty() && ring.iter().next().is_none());
    }
}
