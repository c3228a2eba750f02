use super::Refusal;

#[test]
fn a_refusal_shows_the_person_only_its_public_text() {
    let refusal = Refusal::no_grant("no-grant", "you hold no grant for web1").audited("alice holds no grant for web1");
    assert_eq!(refusal.to_string(), "you hold no grant for web1");
    assert_eq!((refusal.code, refusal.audit.as_str()), ("no-grant", "alice holds no grant for web1"));
}
