//! Privileges that a function's process does not inherit from a privileged sandbox.

use rustix::thread::{
    CapabilitiesSecureBits, CapabilitySet, CapabilitySets, capabilities, set_capabilities,
    set_capabilities_secure_bits,
};

/// Takes every capability from the calling thread, for ever, and from what it starts. User 0 stays
/// the owner of its files, but may not do more than any other owner.
pub(super) fn drop() -> Result<(), String> {
    let kept = |error| format!("privileges cannot be given up: {error}");
    let held = capabilities(None).map_err(kept)?;
    if held.permitted.is_empty() && held.inheritable.is_empty() {
        return Ok(());
    }
    if held.effective.contains(CapabilitySet::SETPCAP) {
        // Without this, `execve` by user 0 gives everything back.
        set_capabilities_secure_bits(
            CapabilitiesSecureBits::NO_ROOT
                | CapabilitiesSecureBits::NO_ROOT_LOCKED
                | CapabilitiesSecureBits::NO_CAP_AMBIENT_RAISE
                | CapabilitiesSecureBits::NO_CAP_AMBIENT_RAISE_LOCKED,
        )
        .map_err(kept)?;
    }
    let none = CapabilitySets {
        effective: CapabilitySet::empty(),
        permitted: CapabilitySet::empty(),
        inheritable: CapabilitySet::empty(),
    };
    set_capabilities(None, none).map_err(kept)
}
