//! The components that ship with this program.

use bloom_ir::Digest;

include!(concat!(env!("OUT_DIR"), "/embedded.rs"));

/// The tools that ship with this program. None, where it was built without the target `wasm32-unknown-unknown`.
pub fn embedded() -> impl ExactSizeIterator<Item = &'static [u8]> {
    EMBEDDED.iter().map(|(_, bytes)| *bytes)
}

/// The one of this digest.
pub(crate) fn of(digest: Digest) -> Option<&'static [u8]> {
    EMBEDDED.iter().find(|(known, _)| *known == digest).map(|(_, bytes)| *bytes)
}

/// A component's digest. Of what [`embedded`] hands out it is known since the program was built: reading megabytes for it at every
/// start would leave them in memory.
pub(crate) fn digest(component: &[u8]) -> Digest {
    let known = EMBEDDED.iter().find(|(_, bytes)| std::ptr::eq(*bytes, component));
    known.map_or_else(|| Digest::of(component), |(digest, _)| *digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_that_is_known_is_that_of_the_bytes() {
        for bytes in embedded() {
            assert_eq!(digest(bytes), Digest::of(bytes));
            let (copy, part) = (bytes.to_vec(), &bytes[..8]);
            assert_eq!(digest(&copy), Digest::of(bytes));
            assert_eq!(digest(part), Digest::of(part));
            assert_eq!(of(Digest::of(bytes)), Some(bytes));
        }
        assert_eq!(of(Digest::of(b"of somebody else")), None);
    }
}
