//! Spans as protobuf, as `opentelemetry/proto/collector/trace/v1` says. Written by hand: it is six small messages that do not
//! change, against a compiler and a dozen crates.

use super::{Kind, Span, span_of, trace_of};

/// An `ExportTraceServiceRequest`.
pub(super) fn request(spans: &[Span]) -> Vec<u8> {
    let resource = message(|out| {
        field(out, 1, &attribute("service.name", "holon"));
        field(out, 1, &attribute("service.version", env!("CARGO_PKG_VERSION")));
    });
    let scope = message(|out| field(out, 1, b"holon"));
    let scoped = message(|out| {
        field(out, 1, &scope);
        for one in spans {
            field(out, 2, &span(one));
        }
    });
    let of_resource = message(|out| {
        field(out, 1, &resource);
        field(out, 2, &scoped);
    });
    message(|out| field(out, 1, &of_resource))
}

fn span(span: &Span) -> Vec<u8> {
    message(|out| {
        field(out, 1, &span.trace);
        field(out, 2, &span.id);
        if let Some(parent) = &span.parent {
            field(out, 4, parent);
        }
        field(out, 5, span.name.as_bytes());
        number(
            out,
            6,
            match span.kind {
                Kind::Internal => 1,
                Kind::Server => 2,
            },
        );
        fixed(out, 7, nanos(span.began.0));
        fixed(out, 8, nanos(span.ended.0.max(span.began.0)));
        for (key, value) in &span.attributes {
            field(out, 9, &attribute(key, value));
        }
        for run in &span.started {
            let link = message(|out| {
                field(out, 1, &trace_of(*run));
                field(out, 2, &span_of(*run));
            });
            field(out, 13, &link);
        }
        if let Some(error) = &span.error {
            let status = message(|out| {
                field(out, 2, error.as_bytes());
                number(out, 3, 2);
            });
            field(out, 15, &status);
        }
    })
}

/// A `KeyValue` with a text.
fn attribute(key: &str, value: &str) -> Vec<u8> {
    let text = message(|out| field(out, 1, value.as_bytes()));
    message(|out| {
        field(out, 1, key.as_bytes());
        field(out, 2, &text);
    })
}

fn message(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out);
    out
}

/// Bytes, a text or a message.
fn field(out: &mut Vec<u8>, tag: u64, bytes: &[u8]) {
    varint(out, tag << 3 | 2);
    varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn number(out: &mut Vec<u8>, tag: u64, value: u64) {
    varint(out, tag << 3);
    varint(out, value);
}

fn fixed(out: &mut Vec<u8>, tag: u64, value: u64) {
    varint(out, tag << 3 | 1);
    out.extend_from_slice(&value.to_le_bytes());
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

/// Milliseconds as nanoseconds since 1970.
fn nanos(millis: i64) -> u64 {
    u64::try_from(millis).unwrap_or(0).saturating_mul(1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_texts_are_written_as_protobuf_writes_them() {
        // The examples of the encoding's own description.
        assert_eq!(message(|out| number(out, 1, 150)), [0x08, 0x96, 0x01]);
        assert_eq!(message(|out| field(out, 2, b"testing")), [&[0x12, 0x07][..], b"testing"].concat());
        assert_eq!(message(|out| fixed(out, 7, 1)), [0x39, 1, 0, 0, 0, 0, 0, 0, 0]);
    }
}
