//! `bloom rehearse`: walks with the answers of an oracle.

use crate::support::World;
