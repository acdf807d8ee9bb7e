use serde_json::{Value, json};

use super::*;

fn document() -> Document {
    serde_json::from_value(json!({
        "ir": "0.1",
        "flow": { "id": "hello", "version": "0.0.0", "title": "Привіт", "kind": "procedure", "locale": "uk" },
        "inputs": {}, "outputs": {}, "policy": {},
        "entry": "n1",
        "nodes": { "n1": { "type": "return", "status": "completed", "value": "1" } }
    }))
    .unwrap()
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(&[seed; 32])
}

#[test]
fn a_sealed_document_verifies_under_its_key() {
    let sealed = crate::sign::seal(document(), &[&key(1)]);
    let bytes = sealed.to_bytes();
    let ir = verify(&bytes, &TrustList::of("anna", key(1).public()), 0).unwrap();
    assert_eq!(ir.document(), &sealed);
    assert_eq!(Value::from(ir.hash().to_string()), json!(sealed.integrity.unwrap().hash));
    assert_eq!(ir.signers(), [key(1).public()]);
}
