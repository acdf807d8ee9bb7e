use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::canonical;
use crate::sign::{countersign, seal};
use crate::trust::{DistrustedKey, TrustedKey};
use crate::validate::tests::EVERYTHING;

/// A small document that uses much of what the format has.
fn document() -> Document {
    serde_json::from_value(json!({
        "ir": "0.1",
        "flow": { "id": "hello", "version": "0.0.0", "title": "Привіт \u{1}", "kind": "procedure", "locale": "uk" },
        "inputs": { "type": "object", "properties": { "n": { "maximum": 1.5e-7 } } },
        "outputs": {}, "policy": { "safe_outputs": ["propose-tag"] },
        "entry": "n1",
        "nodes": {
            "n1": { "type": "emit", "kind": "proposal", "name": "tag", "action": "propose-tag", "value": "1", "next": "n2" },
            "n2": { "type": "return", "status": "completed", "value": "'так'" }
        },
        "source": { "kind": "drakon", "name": "a", "sha256": "0".repeat(64), "map": { "n1": { "item": "3" } } }
    }))
    .unwrap()
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32])
}

fn entry(seed: u8, roles: &[&str], expires_at: Option<i64>) -> TrustedKey {
    TrustedKey {
        name: format!("key {seed}"),
        key: key(seed).public(),
        roles: roles.iter().map(ToString::to_string).collect(),
        expires_at,
    }
}

fn trusting(keys: impl IntoIterator<Item = TrustedKey>) -> TrustList {
    TrustList { keys: keys.into_iter().collect(), ..TrustList::default() }
}

fn signed(seeds: &[u8]) -> Vec<u8> {
    let keys: Vec<SigningKey> = seeds.iter().copied().map(key).collect();
    seal(document(), &keys.iter().collect::<Vec<_>>()).to_bytes()
}

fn edited(bytes: &[u8], edit: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut json = canonical::read(bytes).unwrap();
    edit(&mut json);
    canonical::to_bytes(&json).unwrap()
}

#[test]
fn a_sealed_document_verifies_under_its_key() {
    let sealed = seal(document(), &[&key(1)]);
    let ir = verify(&sealed.to_bytes(), &TrustList::of("anna", key(1).public()), 0).unwrap();
    let integrity = sealed.integrity.clone().unwrap();
    assert_eq!((ir.hash(), ir.program()), (integrity.hash, integrity.program));
    assert_eq!(ir.document(), &sealed);
    assert_eq!(ir.signers(), [key(1).public()]);
    assert_eq!(VerifiedIr::signed(document(), &key(1)).unwrap().hash(), ir.hash());
}

#[test]
fn the_program_is_the_same_wherever_it_came_from() {
    let elsewhere = Document { source: None, ..document() };
    let (here, there) = (document().hashed(), elsewhere.hashed());
    assert_eq!(here.program, there.program);
    assert_ne!(here.hash, there.hash);
    assert_eq!(there.hash, there.program);
    assert_eq!(seal(document(), &[&key(1)]).hashed(), here, "integrity is no part of what is hashed");
}

/// The signature is one that other tools can check: the bytes are written out here.
#[test]
fn what_is_signed_is_the_encoding_of_dsse() {
    assert_eq!(
        pre_authentication_encoding("{\"ї\":1}".as_bytes()),
        "DSSEv1 29 application/vnd.bloom.ir+json 8 {\"ї\":1}".as_bytes()
    );
    let sealed = seal(document(), &[&key(1)]);
    let signature = &sealed.integrity.as_ref().unwrap().signatures[0];
    let payload = document().to_bytes();
    let message = [format!("DSSEv1 29 application/vnd.bloom.ir+json {} ", payload.len()).as_bytes(), &payload].concat();
    assert_eq!(BASE64.decode(&signature.value).unwrap(), key(1).sign(&message));
}

#[test]
fn every_flipped_bit_is_refused_with_a_reason() {
    let bytes = signed(&[1]);
    let trust = TrustList::of("anna", key(1).public());
    verify(&bytes, &trust, 0).unwrap();
    for position in 0..bytes.len() {
        for bit in 0..8 {
            let mut flipped = bytes.clone();
            flipped[position] ^= 1 << bit;
            // `\u001f` and `\u001F` are one text.
            let same = canonical::read(&flipped).is_ok_and(|json| canonical::to_bytes(&json).unwrap() == bytes);
            let outcome = verify(&flipped, &trust, 0);
            assert_eq!(outcome.is_ok(), same, "bit {bit} of byte {position}: {outcome:?}");
            if let Err(error) = outcome {
                assert!(!error.to_string().is_empty());
            }
        }
    }
}

#[test]
fn the_error_says_which_check_failed() {
    let bytes = signed(&[1]);
    let trust = TrustList::of("anna", key(1).public());
    let refused = |edit: fn(&mut Value)| verify(&edited(&bytes, edit), &trust, 0).unwrap_err();
    let integrity = |bytes: &[u8]| validate::read(bytes).unwrap().integrity.unwrap();

    assert_eq!(
        refused(|json| json["integrity"] = json!(null)).to_string().split(':').next(),
        Some("the document is malformed")
    );
    assert_eq!(refused(|json| drop(json.as_object_mut().unwrap().remove("integrity"))), VerifyError::NoSignature);
    assert_eq!(refused(|json| json["integrity"]["signatures"] = json!([])), VerifyError::NoSignature);

    let computed = validate::read(&edited(&bytes, |json| json["flow"]["title"] = json!("x"))).unwrap().hashed().hash;
    assert_eq!(
        refused(|json| json["flow"]["title"] = json!("x")),
        VerifyError::HashMismatch { stated: integrity(&bytes).hash, computed }
    );
    assert_eq!(
        refused(|json| json["integrity"]["program"] = json!(Digest::of(b""))),
        VerifyError::ProgramMismatch { stated: Digest::of(b""), computed: integrity(&bytes).program }
    );
    let key_id = key(1).public().id();
    assert_eq!(
        refused(|json| json["integrity"]["signatures"][0]["value"] = json!("AAAA")),
        VerifyError::MalformedSignature { index: 0, key_id: key_id.clone() }
    );
    assert_eq!(
        refused(|json| json["integrity"]["signatures"][0]["value"] = json!(BASE64.encode([0; 64]))),
        VerifyError::BadSignature { index: 0, key_id: key_id.clone() }
    );
    assert_eq!(
        refused(|json| json["integrity"]["signatures"][0]["key_id"] = json!("0123456789abcdef")),
        VerifyError::BadSignature { index: 0, key_id: "0123456789abcdef".into() },
        "a known key under another name"
    );
    assert_eq!(
        refused(|json| {
            let one = json["integrity"]["signatures"][0].clone();
            json["integrity"]["signatures"] = json!(vec![one; 17]);
        }),
        VerifyError::TooManySignatures { found: 17 }
    );
    assert_eq!(
        verify(&bytes, &TrustList::of("boris", key(2).public()), 0).unwrap_err(),
        VerifyError::NotTrusted { key_ids: vec![key_id.clone()] }
    );
    let expiring = trusting([entry(1, &[], Some(1000))]);
    let verified = verify(&bytes, &expiring, 999).unwrap();
    let expired = VerifyError::Expired { key_id, name: "key 1".into(), expired_at: 1000 };
    assert_eq!(verify(&bytes, &expiring, 1000).unwrap_err(), expired);
    assert_eq!(verified.still_trusted(&expiring, 999), Ok(()));
    assert_eq!(verified.still_trusted(&expiring, 1000), Err(expired), "what was verified does not stay so for ever");
}

#[test]
fn a_new_hash_over_a_changed_document_does_not_help() {
    let mut forged = validate::read(&signed(&[1])).unwrap();
    forged.policy.limits.max_proposals = 1000;
    let hashed = forged.hashed();
    if let Some(integrity) = &mut forged.integrity {
        (integrity.hash, integrity.program) = (hashed.hash, hashed.program);
    }
    let error = verify(&forged.to_bytes(), &TrustList::of("anna", key(1).public()), 0).unwrap_err();
    assert!(matches!(error, VerifyError::BadSignature { index: 0, .. }), "{error}");
}

#[test]
fn signatures_stand_side_by_side() {
    let document = countersign(countersign(seal(document(), &[&key(1)]), &key(2)), &key(2));
    let bytes = document.to_bytes();
    assert_eq!(document.integrity.unwrap().signatures.len(), 2);
    let known = |seeds: &[u8]| trusting(seeds.iter().map(|seed| entry(*seed, &[], None)));
    assert_eq!(verify(&bytes, &known(&[1, 2]), 0).unwrap().signers().len(), 2);
    assert_eq!(verify(&bytes, &known(&[2]), 0).unwrap().signers(), [key(2).public()], "the other one is unknown");
    let tampered = edited(&bytes, |json| json["integrity"]["signatures"][0]["value"] = json!(BASE64.encode([1; 64])));
    let error = verify(&tampered, &known(&[1, 2]), 0).unwrap_err();
    assert!(
        matches!(error, VerifyError::BadSignature { index: 0, .. }),
        "one good signature does not excuse a bad one"
    );
}

#[test]
fn a_signature_of_other_content_is_dropped_when_another_is_added() {
    let mut changed = seal(document(), &[&key(1)]);
    changed.flow.title.push('!');
    let integrity = countersign(changed, &key(2)).integrity.unwrap();
    assert_eq!(integrity.signatures.iter().map(|it| it.key_id.clone()).collect::<Vec<_>>(), [key(2).public().id()]);
}

#[test]
fn policies_ask_for_roles_and_numbers() {
    let policy = |flow: &str, roles: &[&str], signatures| TrustPolicy {
        flow: flow.into(),
        roles: roles.iter().map(ToString::to_string).collect(),
        signatures,
    };
    let keys = || [entry(1, &["author"], None), entry(2, &["reviewer"], Some(5)), entry(3, &["reviewer"], None)];
    let outcome = |seeds: &[u8], policies: Vec<TrustPolicy>| {
        verify(&signed(seeds), &TrustList { policies, ..trusting(keys()) }, 10).map(|_| ())
    };
    let reviewed = policy("he*", &["reviewer"], 1);
    assert_eq!(outcome(&[1], vec![policy("other-*", &["reviewer"], 9)]), Ok(()), "of other flows");
    assert_eq!(outcome(&[1, 3], vec![reviewed.clone()]), Ok(()));
    assert_eq!(
        outcome(&[1], vec![reviewed.clone()]),
        Err(VerifyError::PolicyUnmet { flow: "hello".into(), policy: reviewed.clone(), found: 0 })
    );
    assert!(outcome(&[1, 2], vec![reviewed.clone()]).is_err(), "the reviewer's key expired");
    assert!(outcome(&[3, 3], vec![policy("*", &[], 2)]).is_err(), "one key counts once");
    assert_eq!(outcome(&[1, 3], vec![policy("*", &[], 2), reviewed.clone()]), Ok(()));
    assert_eq!(
        outcome(&[1], vec![policy("*", &[], 1), reviewed]).unwrap_err().to_string(),
        "flow `hello` needs 1 signatures of keys with the role reviewer (policy `he*`), but has 0"
    );
}

#[test]
fn a_pinned_document_outlives_expiry_but_not_distrust() {
    let bytes = signed(&[1]);
    let hash = document().hashed().hash;
    let expired = trusting([entry(1, &[], Some(1))]);
    assert!(verify_pinned(&bytes, &hash, &expired, Pinned::Resume).is_ok());
    assert_eq!(
        verify_pinned(&bytes, &Digest::of(b"other"), &expired, Pinned::Replay).unwrap_err(),
        VerifyError::NotPinned { pinned: Digest::of(b"other"), computed: hash }
    );
    let distrusted = DistrustedKey { name: "stolen".into(), key: key(1).public() };
    for keys in [vec![], vec![entry(1, &[], None)]] {
        let trust = TrustList { distrusted: vec![distrusted.clone()], ..trusting(keys) };
        let refusal = VerifyError::Distrusted { key_id: key(1).public().id(), name: "stolen".into() };
        assert_eq!(verify(&bytes, &trust, 0).unwrap_err(), refusal);
        assert_eq!(verify_pinned(&bytes, &hash, &trust, Pinned::Resume).unwrap_err(), refusal);
        assert!(verify_pinned(&bytes, &hash, &trust, Pinned::Replay).is_ok());
    }
    assert!(
        verify_pinned(&bytes, &hash, &TrustList::default(), Pinned::Replay).is_err(),
        "a signature is still needed"
    );
}

#[test]
fn a_document_that_fails_a_check_is_refused_although_it_is_signed() {
    let mut broken = document();
    broken.policy.safe_outputs.clear();
    let VerifyError::Malformed(diagnostics) = VerifiedIr::signed(broken, &key(1)).unwrap_err() else { panic!() };
    assert_eq!(diagnostics[0].code, validate::codes::UNSAFE_OUTPUT);
}

#[test]
fn white_space_and_left_out_defaults_are_hashed_as_they_are_written() {
    let bare = canonical::read(EVERYTHING.as_bytes()).unwrap();
    let sparse = edited(EVERYTHING.as_bytes(), |json| drop(json["policy"].as_object_mut().unwrap().remove("sandbox")));
    let (full, full_hash) = validate::read_hashed(EVERYTHING.as_bytes()).unwrap();
    let (less, less_hash) = validate::read_hashed(&sparse).unwrap();
    assert_eq!(full, less);
    assert_ne!(full_hash.hash, less_hash.hash);
    let pretty = serde_json::to_vec_pretty(&bare).unwrap();
    assert_eq!(validate::read_hashed(&pretty).unwrap().1.hash, full_hash.hash);
}

#[test]
fn the_bytes_that_were_verified_verify_again_also_where_defaults_were_left_out() {
    let mut json = json!({
        "ir": "0.1",
        "flow": { "id": "sparse", "version": "1.0.0", "title": "Sparse", "kind": "procedure", "locale": "en" },
        "inputs": {}, "outputs": {}, "policy": {}, "entry": "n1",
        "nodes": { "n1": { "type": "return", "status": "completed", "value": "1" } }
    });
    let hashed = Hashed::of(json.as_object().unwrap());
    let value = BASE64.encode(key(1).sign(&pre_authentication_encoding(&hashed.payload)));
    json["integrity"] = json!({
        "hash": hashed.hash, "program": hashed.program,
        "signatures": [{ "alg": "ed25519", "key_id": key(1).public().id(), "value": value }]
    });
    let trust = TrustList::of("anna", key(1).public());
    let ir = verify(json.to_string().as_bytes(), &trust, 0).unwrap();
    assert_eq!(verify_pinned(ir.bytes(), &ir.hash(), &trust, Pinned::Resume).unwrap().hash(), hashed.hash);
    assert_ne!(ir.document().hashed().hash, hashed.hash, "written anew, the defaults would stand in it");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_changed_member_breaks_the_signature(place in any::<prop::sample::Index>(), text in ".{0,6}") {
        let sealed = seal(serde_json::from_str(EVERYTHING).unwrap(), &[&key(1)]).to_bytes();
        let mut json = canonical::read(&sealed).unwrap();
        let mut leaves = Vec::new();
        collect_leaves(&mut json, &mut leaves);
        let position = place.index(leaves.len());
        let leaf = leaves.swap_remove(position);
        prop_assume!(*leaf != json!(text));
        *leaf = json!(text);
        let changed = canonical::to_bytes(&json).unwrap();
        prop_assert!(verify(&changed, &TrustList::of("anna", key(1).public()), 0).is_err());
    }
}

fn collect_leaves<'a>(value: &'a mut Value, leaves: &mut Vec<&'a mut Value>) {
    match value {
        Value::Object(members) => members.values_mut().for_each(|member| collect_leaves(member, leaves)),
        Value::Array(items) => items.iter_mut().for_each(|item| collect_leaves(item, leaves)),
        leaf => leaves.push(leaf),
    }
}

#[test]
fn signatures_of_both_documents_are_kept() {
    let trust = trusting([entry(1, &[], None), entry(2, &[], None)]);
    let (first, second) = (signed(&[1]), signed(&[2]));
    let ir = verify(&second, &trust, 0).unwrap();
    let both = ir.bytes_with_signatures_of(&first, &trust);
    let united = verify(&both, &trust, 0).unwrap();
    assert_eq!(united.signers(), [key(2).public(), key(1).public()]);
    assert_eq!(united.hash(), ir.hash());
    assert_eq!(united.bytes_with_signatures_of(&first, &trust), both, "again adds nothing");

    // A key that this trust list does not know may be known to another.
    let anna_alone = TrustList::of("anna", key(2).public());
    assert_eq!(verify(&second, &anna_alone, 0).unwrap().bytes_with_signatures_of(&first, &anna_alone), both);
}

#[test]
fn members_that_were_left_out_stay_out_when_signatures_are_united() {
    let trust = trusting([entry(1, &[], None), entry(2, &[], None)]);
    let bare = |seed: u8| {
        let mut json = canonical::read(&signed(&[seed])).unwrap();
        json["policy"].as_object_mut().unwrap().retain(|name, _| name == "safe_outputs");
        let hashed = Hashed::of(json.as_object().unwrap());
        let value = BASE64.encode(key(seed).sign(&pre_authentication_encoding(&hashed.payload)));
        json["integrity"] = json!({
            "hash": hashed.hash, "program": hashed.program,
            "signatures": [{ "alg": "ed25519", "key_id": key(seed).public().id(), "value": value }]
        });
        canonical::to_bytes(&json).unwrap()
    };
    let ir = verify(&bare(2), &trust, 0).unwrap();
    let united = verify(&ir.bytes_with_signatures_of(&bare(1), &trust), &trust, 0).unwrap();
    assert_eq!((united.hash(), united.signers().len()), (ir.hash(), 2));
}

#[test]
fn a_bad_signature_is_not_taken_over() {
    let trust = trusting([entry(1, &[], None), entry(2, &[], None)]);
    let ir = verify(&signed(&[2]), &trust, 0).unwrap();
    let forged = edited(&signed(&[1]), |json| {
        json["integrity"]["signatures"][0]["value"] = json!(BASE64.encode([7; 64]));
    });
    let of_another = seal(Document { source: None, ..document() }, &[&key(1)]).to_bytes();
    for other in [forged.as_slice(), &of_another, b"", b"{}"] {
        assert_eq!(ir.bytes_with_signatures_of(other, &trust), ir.bytes());
    }
}

#[test]
fn united_signatures_stay_within_the_limit() {
    let seeds: Vec<u8> = (1..=16).collect();
    let trust = trusting([entry(1, &[], None), entry(99, &[], None)]);
    let ir = verify(&signed(&[99]), &trust, 0).unwrap();
    let united = ir.bytes_with_signatures_of(&signed(&seeds), &trust);
    assert_eq!(verify(&united, &trust, 0).unwrap().signers(), [key(99).public(), key(1).public()]);
}
