//! Layer 2: passwords.
//!
//! In comes a password in clear, out goes a hash that it can be checked against, or whether it fits one. Nothing here knows
//! users or where hashes are kept. The hash is Argon2id: it takes about 20 MiB and tens of milliseconds on purpose,
//! so that a stolen hash is costly to guess at. Therefore none of this may run on a thread that serves others.

use crate::model::user::PasswordHash;
use argon2::password_hash::{self, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use uuid::Uuid;

/// A hash could not be made.
#[derive(Debug, thiserror::Error)]
#[error("the password cannot be hashed: {0}")]
pub struct HashError(password_hash::Error);

/// Hashes a password with a salt of its own. Takes long; see the [module documentation](self).
///
/// # Errors
/// When the password is longer than Argon2 takes (4 GiB).
pub fn hash_password(password: &str) -> Result<PasswordHash, HashError> {
    // A random UUID has 122 random bits; a salt needs only to be unique.
    let salt = SaltString::encode_b64(Uuid::new_v4().as_bytes()).map_err(HashError)?;
    let hash = hasher().hash_password(password.as_bytes(), &salt).map_err(HashError)?;
    Ok(PasswordHash::new(hash.to_string()))
}

/// Whether a hash is that of this password. Takes long; see the [module documentation](self).
///
/// A hash that cannot be read is that of no password.
#[must_use]
pub fn is_password(password: &str, hash: &PasswordHash) -> bool {
    let Ok(hash) = password_hash::PasswordHash::new(hash.reveal()) else { return false };
    // The hash brings its own parameters, so that old ones stay good when ours change.
    hasher().verify_password(password.as_bytes(), &hash).is_ok()
}

/// The parameters that OWASP's cheat sheet on storing passwords names first: 19 MiB, two passes, one lane.
fn hasher() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::DEFAULT)
}

#[cfg(test)]
mod tests;
