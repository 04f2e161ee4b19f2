//! What is sealed opens for its own business and purpose, under any of the keys, and for nobody else.

use proptest::prelude::*;
use ringbook::names::Slug;
use ringbook::vault::{Purpose, SealError, Vault};
use secrecy::{ExposeSecret, SecretString};

const OLD: [u8; 32] = [7; 32];
const NEW: [u8; 32] = [9; 32];

fn slug(text: &str) -> Slug {
    Slug::parse(text).unwrap()
}

fn secret() -> SecretString {
    "1//refresh-token-of-the-owner".to_owned().into()
}

fn seal(vault: &Vault) -> String {
    vault.seal(Purpose::RefreshToken, &slug("abc"), &secret()).unwrap()
}

fn open(vault: &Vault, sealed: &str) -> Result<String, SealError> {
    vault.open(Purpose::RefreshToken, &slug("abc"), sealed).map(|secret| secret.expose_secret().to_owned())
}

#[test]
fn what_was_sealed_opens_again_and_is_not_readable_in_between() {
    let vault = Vault::new([NEW]);
    let (one, other) = (seal(&vault), seal(&vault));
    assert_eq!(open(&vault, &one).as_deref(), Ok(secret().expose_secret()));
    assert!(!one.contains("owner") && one != other, "a nonce of its own each time");
    assert!(!format!("{vault:?}").contains("9, 9"), "{vault:?}");
}

#[test]
fn it_opens_for_its_own_business_and_purpose_only() {
    let vault = Vault::new([NEW]);
    let sealed = seal(&vault);
    assert_eq!(vault.open(Purpose::RefreshToken, &slug("other"), &sealed).map(drop), Err(SealError::Damaged));
    assert_eq!(vault.open(Purpose::PkceVerifier, &slug("abc"), &sealed).map(drop), Err(SealError::Damaged));
}

#[test]
fn every_key_opens_and_the_first_one_seals() {
    let (old, both, new) = (Vault::new([OLD]), Vault::new([NEW, OLD]), Vault::new([NEW]));
    let sealed = seal(&old);
    assert_eq!(open(&both, &sealed).as_deref(), Ok(secret().expose_secret()));
    assert_eq!(open(&new, &sealed), Err(SealError::UnknownKey));
    let again = both.reseal(Purpose::RefreshToken, &slug("abc"), &sealed).unwrap().unwrap();
    assert_eq!(open(&new, &again).as_deref(), Ok(secret().expose_secret()));
    assert_eq!(both.reseal(Purpose::RefreshToken, &slug("abc"), &again), Ok(None), "it lies under the first key already");
}

#[test]
fn without_a_key_nothing_is_sealed() {
    let vault = Vault::default();
    assert!(!vault.has_key());
    assert_eq!(vault.seal(Purpose::RefreshToken, &slug("abc"), &secret()), Err(SealError::NoKey));
    assert_eq!(open(&vault, &seal(&Vault::new([NEW]))), Err(SealError::UnknownKey));
}

proptest! {
    #[test]
    fn whatever_is_not_sealed_here_does_not_open(text in ".{0,200}") {
        prop_assert!(open(&Vault::new([NEW]), &text).is_err());
    }

    #[test]
    fn a_change_anywhere_is_noticed(at in 0_usize..1000, with in "[A-Za-z0-9_.-]") {
        let vault = Vault::new([NEW]);
        let sealed = seal(&vault);
        let at = at % sealed.len();
        let changed = format!("{}{with}{}", &sealed[..at], &sealed[at + 1..]);
        // The last characters of base64 may hold bits that mean nothing.
        let same = changed == sealed;
        prop_assert!(same || open(&vault, &changed).is_err());
    }
}
