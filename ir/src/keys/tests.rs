use super::*;

fn bytes<const N: usize>(hex: &str) -> [u8; N] {
    let digits: Vec<u8> = hex.bytes().filter(u8::is_ascii_hexdigit).collect();
    let (pairs, []) = digits.as_chunks::<2>() else { panic!("{hex}") };
    let bytes: Vec<u8> =
        pairs.iter().map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect();
    bytes.try_into().unwrap()
}

/// RFC 8032, §7.1, tests 1 to 3: secret key, public key, message, signature.
const RFC_8032: [(&str, &str, &[u8], &str); 3] = [
    (
        "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        b"",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155
         5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
    ),
    (
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        &[0x72],
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da
         085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
    ),
    (
        "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        &[0xaf, 0x82],
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac
         18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ),
];

#[test]
fn the_vectors_of_rfc_8032_hold() {
    for (secret, public, message, signature) in RFC_8032 {
        let key = SigningKey::from_seed(&bytes(secret));
        assert_eq!(key.public().as_bytes(), &bytes(public));
        assert_eq!(key.sign(message), bytes(signature));
        assert!(key.public().verifies(message, &bytes(signature)));
        assert!(!key.public().verifies(b"another", &bytes(signature)));
    }
}

#[test]
fn verification_is_strict() {
    let identity = bytes::<32>("0100000000000000000000000000000000000000000000000000000000000000");
    assert_eq!(PublicKey::from_bytes(&identity), Err(KeyError::Weak), "everything verifies under a key of small order");
    // S + L in place of S: the same equation, another signature.
    let (_, public, message, signature) = RFC_8032[0];
    let mut signature: [u8; 64] = bytes(signature);
    let order: [u8; 32] = bytes("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010");
    let mut carry = 0_u16;
    for (digit, order) in signature[32..].iter_mut().zip(order) {
        let sum = u16::from(*digit) + u16::from(order) + carry;
        *digit = (sum & 0xff) as u8;
        carry = sum >> 8;
    }
    assert!(!PublicKey::from_bytes(&bytes(public)).unwrap().verifies(message, &signature));
}

#[test]
fn keys_are_written_and_read_back() {
    let key = SigningKey::from_seed(&[7; 32]);
    let pem = key.to_pem();
    assert!(pem.starts_with("-----BEGIN PRIVATE KEY-----\n"), "{pem}");
    assert_eq!(SigningKey::from_pem(&pem).unwrap().public(), key.public());
    let public = key.public();
    assert_eq!(public.to_pem().parse(), Ok(public));
    assert_eq!(format!(" {public}\n").parse(), Ok(public));
    assert_eq!(serde_json::from_str::<PublicKey>(&serde_json::to_string(&public).unwrap()).unwrap(), public);
}

/// Written by OpenSSL 3 for the secret key of RFC 8410, §10.3.
#[test]
fn a_key_of_another_tool_is_read() {
    let pem = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";
    let key = SigningKey::from_pem(pem).unwrap();
    assert_eq!(key.to_pem(), pem);
    let public = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";
    assert_eq!(key.public().to_pem(), public);
}

#[test]
fn the_id_is_the_start_of_the_digest_of_the_key() {
    let key = SigningKey::from_seed(&bytes(RFC_8032[0].0)).public();
    assert_eq!(key.id(), "21fe31dfa154a261");
    assert_eq!(key.id(), Digest::of(key.as_bytes()).hex()[..16]);
}

#[test]
fn what_is_no_key_is_refused_and_secrets_are_not_shown() {
    let key = SigningKey::from_seed(&[7; 32]);
    assert_eq!(SigningKey::from_pem(&key.public().to_pem()).unwrap_err(), KeyError::NotPrivate);
    assert_eq!(key.to_pem().parse::<PublicKey>(), Err(KeyError::NotPublic));
    for text in ["", "ed25519:", "ed25519:AAAA", "rsa:AAAA", "ed25519:!"] {
        assert_eq!(text.parse::<PublicKey>(), Err(KeyError::NotPublic), "{text}");
    }
    assert_eq!(format!("{key:?}"), format!("SigningKey({})", key.public().id()));
}
