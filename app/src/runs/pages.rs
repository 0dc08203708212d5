//! Reading as much of a list again as somebody has asked to see, in as many answers of the server as that takes: what was selected far down
//! stays in it, and stays selected.

use holon_model::wire::Page;

use crate::ports::PortFuture;

/// Most rows that one answer of the server holds.
pub const MOST: usize = 200;
/// Least rows that are read.
const LEAST: usize = 50;
/// Rows that are read again at most, however many are shown.
const MOST_AGAIN: usize = 1_000;

/// How many rows to read, of so many that are shown. What came in front by itself makes a list longer than one answer no longer.
pub fn wanted(shown: usize, arrived: usize) -> usize {
    shown.min(MOST).max(shown.saturating_sub(arrived)).clamp(LEAST, MOST_AGAIN)
}

/// A page with those below it, until there are so many rows or no more.
pub async fn whole<T>(mut page: Page<T>, wanted: usize, next: impl Fn(String, u16) -> PortFuture<Page<T>>) -> Page<T> {
    while page.data.len() < wanted {
        let Some(cursor) = page.next_cursor.take() else { break };
        let left = (wanted - page.data.len()).min(MOST);
        let Ok(below) = next(cursor.clone(), u16::try_from(left).unwrap_or(u16::MAX)).await else {
            // What is there is shown, and what is below can be asked for.
            page.next_cursor = Some(cursor);
            break;
        };
        let none = below.data.is_empty();
        page.data.extend(below.data);
        page.next_cursor = below.next_cursor;
        if none {
            break;
        }
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    /// Rows from a number on.
    fn page(from: usize, limit: usize, all: usize) -> Page<usize> {
        let to = (from + limit).min(all);
        Page { data: (from..to).collect(), next_cursor: (to < all).then(|| to.to_string()) }
    }

    fn read(wanted: usize, all: usize) -> Page<usize> {
        let next = |cursor: String, limit: u16| -> PortFuture<Page<usize>> {
            let page = page(cursor.parse().unwrap(), limit.into(), all);
            Box::pin(async move { Ok(page) })
        };
        let reading = pin!(whole(page(0, wanted.min(MOST), all), wanted, next));
        match reading.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(page) => page,
            Poll::Pending => panic!("every answer is there at once"),
        }
    }

    #[test]
    fn as_many_rows_are_read_again_as_were_asked_for_and_the_list_goes_on_behind_them() {
        assert_eq!((wanted(0, 0), wanted(120, 80), wanted(650, 0), wanted(401, 201)), (50, 120, 650, 200));
        assert_eq!(wanted(5_000, 0), 1_000);
        for (asked, all, rows, cursor) in
            [(650, 2_000, 650, Some("650")), (650, 430, 430, None), (200, 900, 200, Some("200")), (50, 50, 50, None)]
        {
            let page = read(asked, all);
            assert_eq!((page.data, page.next_cursor.as_deref()), ((0..rows).collect(), cursor), "{asked} of {all}");
        }
    }
}
