//! Passwords and their hashes.

use super::{hash_password, is_password};
use crate::model::user::PasswordHash;

#[test]
fn a_hash_fits_its_password_only() {
    for password in ["", "secret", "pässwörd", "a b'c\"d\\", &"x".repeat(1000)] {
        let hash = hash_password(password).unwrap();
        assert!(is_password(password, &hash));
        assert!(!is_password("Secret", &hash));
        assert!(!is_password(&format!("{password} "), &hash));
    }
}

#[test]
fn equal_passwords_have_different_hashes() {
    assert_ne!(hash_password("secret").unwrap(), hash_password("secret").unwrap());
}

#[test]
fn a_hash_names_its_function_and_parameters() {
    let hash = hash_password("secret").unwrap();
    assert!(hash.reveal().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.reveal());
}

/// What the reference implementation prints for `echo -n password | argon2 somesalt -t 2 -m 16 -p 4 -l 24`.
#[test]
fn a_hash_with_other_parameters_still_fits() {
    let hash = "$argon2i$v=19$m=65536,t=2,p=4$c29tZXNhbHQ$RdescudvJCsgt3ub+b+dWRWJTmaaJObG";
    let hash = PasswordHash::new(hash);
    assert!(is_password("password", &hash));
    assert!(!is_password("Password", &hash));
}

#[test]
fn what_is_no_hash_fits_nothing() {
    for hash in ["", "secret", "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHQ", "$unknown$x$y$z"] {
        assert!(!is_password("secret", &PasswordHash::new(hash)), "{hash}");
        assert!(!is_password("", &PasswordHash::new(hash)), "{hash}");
    }
}

#[test]
fn debug_does_not_show_a_hash() {
    assert_eq!(format!("{:?}", hash_password("secret").unwrap()), "PasswordHash(…)");
}
