//! Who should hold which shards: the same for all who look at the same roll. Pure; `handover` carries it out.
//!
//! Each replica takes up to its share of what is free, and hands on what it has beyond it once nothing is free. A shard that a
//! newer build has driven may hold runs whose meaning an older one does not know: the older one leaves it to those that do, and
//! hands it to them, for as long as there are any.

use std::collections::BTreeMap;

use holon_model::ReplicaId;

use crate::store::{Peer, Roll, ShardRow};

/// What a replica is to do.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Free shards to take.
    pub adopt: Vec<i16>,
    /// Shards to hand on, by whom they go to.
    pub give: BTreeMap<ReplicaId, Vec<i16>>,
}

struct View<'a> {
    /// Those that stay.
    staying: Vec<&'a Peer>,
    /// How many shards each has.
    counts: BTreeMap<ReplicaId, usize>,
}

impl<'a> View<'a> {
    /// The view, and the shards that nobody has.
    fn of(roll: &'a Roll) -> (Self, Vec<&'a ShardRow>) {
        let staying: Vec<&Peer> = roll.peers.iter().filter(|peer| !peer.leaving).collect();
        let mut counts: BTreeMap<ReplicaId, usize> = roll.peers.iter().map(|peer| (peer.id, 0)).collect();
        let mut free = Vec::new();
        // Shards beside each other mostly have one owner, who is looked up once: this is asked twice a second.
        for rows in roll.shards.chunk_by(|one, next| one.owner == next.owner) {
            match rows.first().and_then(|row| counts.get_mut(&row.owner?)) {
                Some(count) => *count += rows.len(),
                None => free.extend(rows),
            }
        }
        (Self { staying, counts }, free)
    }

    fn count(&self, replica: ReplicaId) -> usize {
        self.counts.get(&replica).copied().unwrap_or_default()
    }

    /// Who may have a shard: those that know as much as any who had it, or, when none does, all.
    fn fit(&self, row: &ShardRow) -> Vec<&'a Peer> {
        let knowing: Vec<&Peer> = self.staying.iter().filter(|peer| peer.semantics >= row.semantics).copied().collect();
        if knowing.is_empty() { self.staying.clone() } else { knowing }
    }

    /// Of these the one with the fewest shards.
    fn poorest<'p>(&self, among: impl IntoIterator<Item = &'p Peer>) -> Option<ReplicaId> {
        among.into_iter().map(|peer| (self.count(peer.id), peer.id)).min().map(|(_, id)| id)
    }

    /// As many as one may have of all.
    fn share(&self, of: usize) -> usize {
        of.div_ceil(self.staying.len().max(1))
    }
}

/// What `me` is to do, by this roll.
pub(crate) fn plan(me: ReplicaId, roll: &Roll) -> Plan {
    let (mut view, free) = View::of(roll);
    let mut plan = Plan::default();
    let staying = view.staying.iter().position(|peer| peer.id == me);
    let share = view.share(roll.shards.len());
    if let Some(rank) = staying {
        // Each begins at another place, so that those who look at once do not reach for the same ones.
        let from = rank * free.len() / view.staying.len();
        for row in free.iter().cycle().skip(from).take(free.len()) {
            let fit = view.fit(row);
            let among_all = fit.len() == view.staying.len();
            let room = view.count(me) < share;
            // What not all may have goes to those who may, whatever their share.
            let mine = fit.iter().any(|peer| peer.id == me)
                && (room || (!among_all && view.poorest(fit.iter().copied()) == Some(me)));
            if mine {
                plan.adopt.push(row.shard);
                *view.counts.entry(me).or_default() += 1;
            }
        }
    }
    if free.is_empty() || staying.is_none() {
        give(me, roll, &mut view, &mut plan);
    }
    plan
}

fn give(me: ReplicaId, roll: &Roll, view: &mut View<'_>, plan: &mut Plan) {
    let leaving = !view.staying.iter().any(|peer| peer.id == me);
    let share = view.share(roll.shards.len());
    let semantics = view.staying.iter().find(|peer| peer.id == me).map(|peer| peer.semantics);
    let mut mine = view.count(me);
    // The last ones first: those who hold many keep what they have had from the beginning.
    for row in roll.shards.iter().rev().filter(|row| row.owner == Some(me)) {
        // As a rule there is nothing to give.
        if semantics.is_some_and(|known| known >= row.semantics) && mine <= share {
            continue;
        }
        let fit = view.fit(row);
        let to = if leaving || !fit.iter().any(|peer| peer.id == me) {
            view.poorest(fit.iter().copied())
        } else if mine > share {
            let poor = fit.iter().filter(|peer| peer.id != me && view.count(peer.id) < share).copied();
            view.poorest(poor)
        } else {
            None
        };
        let Some(to) = to.filter(|to| *to != me) else { continue };
        plan.give.entry(to).or_default().push(row.shard);
        *view.counts.entry(to).or_default() += 1;
        mine -= 1;
        if let Some(count) = view.counts.get_mut(&me) {
            *count = mine;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn id(number: u128) -> ReplicaId {
        ReplicaId(Uuid::from_u128(number))
    }

    /// Replicas (number, semantics, leaving) over 256 shards that nobody has.
    fn roll(peers: &[(u128, i32, bool)]) -> Roll {
        let peer = |(number, semantics, leaving): &(u128, i32, bool)| Peer {
            id: id(*number),
            semantics: *semantics,
            beat: 0,
            leaving: *leaving,
        };
        let shards = (0..256).map(|shard| ShardRow { shard, owner: None, epoch: 0, semantics: 0 });
        Roll { peers: peers.iter().map(peer).collect(), shards: shards.collect() }
    }

    /// What the plan says, done.
    fn carry_out(roll: &mut Roll, me: ReplicaId) -> usize {
        let plan = plan(me, roll);
        let known: BTreeMap<ReplicaId, i32> = roll.peers.iter().map(|peer| (peer.id, peer.semantics)).collect();
        let mut moved = 0;
        let moves = plan.adopt.iter().map(|shard| (*shard, me));
        let gifts = plan.give.iter().flat_map(|(to, shards)| shards.iter().map(|shard| (*shard, *to)));
        for (shard, to) in moves.chain(gifts) {
            let row = roll.shards.iter_mut().find(|row| row.shard == shard).unwrap();
            assert_ne!(row.owner, Some(to));
            row.owner = Some(to);
            row.semantics = row.semantics.max(known[&to]);
            moved += 1;
        }
        moved
    }

    /// Everybody does what they plan until nobody plans anything; how many shards moved.
    fn settle(roll: &mut Roll) -> usize {
        let mut moved = 0;
        for _ in 0..50 {
            let peers: Vec<ReplicaId> = roll.peers.iter().map(|peer| peer.id).collect();
            let now: usize = peers.into_iter().map(|peer| carry_out(roll, peer)).sum();
            if now == 0 {
                return moved;
            }
            moved += now;
        }
        panic!("they never come to rest: {roll:?}");
    }

    fn counts(roll: &Roll) -> Vec<usize> {
        roll.peers.iter().map(|peer| roll.held_by(peer.id).len()).collect()
    }

    #[test]
    fn one_alone_takes_all_and_each_who_comes_is_given_a_share_with_no_more_moves_than_needed() {
        let mut roll = roll(&[(1, 1, false)]);
        assert_eq!(settle(&mut roll), 256);
        for (number, wanted) in [(2, vec![128, 128]), (3, vec![86, 86, 84]), (4, vec![64, 64, 64, 64])] {
            roll.peers.push(Peer { id: id(number), semantics: 1, beat: 0, leaving: false });
            let moved = settle(&mut roll);
            assert_eq!(counts(&roll), wanted);
            assert_eq!(moved, *wanted.last().unwrap(), "only what the new one gets moves");
        }
    }

    #[test]
    fn what_a_dead_one_had_is_shared_out_and_nothing_is_left() {
        let mut roll = roll(&[(1, 1, false), (2, 1, false), (3, 1, false)]);
        settle(&mut roll);
        roll.peers.remove(1);
        settle(&mut roll);
        assert_eq!(counts(&roll), [128, 128]);
    }

    #[test]
    fn one_that_leaves_gives_everything_to_those_that_stay_and_takes_nothing() {
        let mut roll = roll(&[(1, 1, false), (2, 1, false), (3, 1, false)]);
        settle(&mut roll);
        roll.peers[0].leaving = true;
        settle(&mut roll);
        assert_eq!(counts(&roll), [0, 128, 128]);
        // The last ones leave at once: they keep what nobody can have.
        roll.peers.iter_mut().for_each(|peer| peer.leaving = true);
        assert_eq!(settle(&mut roll), 0);
    }

    #[test]
    fn an_older_build_leaves_what_a_newer_one_drove_to_it_and_takes_it_only_when_no_newer_one_is_there() {
        let mut roll = roll(&[(1, 1, false)]);
        settle(&mut roll);
        roll.peers.push(Peer { id: id(2), semantics: 2, beat: 0, leaving: false });
        settle(&mut roll);
        assert_eq!(counts(&roll), [128, 128]);
        let newer = roll.held_by(id(2));
        // Another newer one joins, the first of them dies: the older one touches none of its shards.
        roll.peers.push(Peer { id: id(3), semantics: 2, beat: 0, leaving: false });
        settle(&mut roll);
        roll.peers.remove(1);
        settle(&mut roll);
        assert!(newer.iter().all(|shard| roll.held_by(id(3)).contains(shard)));
        // None is left: runs that the older one knows must go on.
        roll.peers.remove(1);
        settle(&mut roll);
        assert_eq!(counts(&roll), [256]);
        // And when a newer one comes back it is given all of them, whatever its share.
        roll.peers.push(Peer { id: id(4), semantics: 2, beat: 0, leaving: false });
        settle(&mut roll);
        assert!(newer.iter().all(|shard| roll.held_by(id(4)).contains(shard)));
    }
}
