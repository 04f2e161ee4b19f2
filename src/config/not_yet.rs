//! Settings that are checked already while what they switch on is not part of this program yet: whoever sets one is
//! told, and will not find later that it was wrong all along.

use super::address;
use super::reader::Reader;
use super::spelling::full_name;
use super::table::NOT_IN_EFFECT;

/// Checks them, and warns of each that is set.
pub(super) fn check(reader: &mut Reader<'_>) {
    // What is wrong is recorded; what is right has no taker.
    let _ = reader.optional("METRICS_BIND", None, address::socket);
    let owners: Vec<_> = std::iter::once(None).chain(reader.businesses().iter().map(Some)).collect();
    for owner in owners {
        for name in NOT_IN_EFFECT {
            if reader.own(name, owner).is_some() {
                let name = full_name(name, owner);
                reader.odd(format!("{name} is set, but has no effect yet: what it is for is not part of this version."));
            }
        }
    }
}
