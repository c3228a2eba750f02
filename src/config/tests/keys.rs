//! Keys for tests. Those of alice, bob and the host are a hash of their name: nobody has the private half.

/// Alice's.
pub const ALICE: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICvYBsl/DgCvGh/DMo+nY6kmlyPI24+sT5OvcdsYbW6Q";
/// Bob's.
pub const BOB: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIG2N9j80sbaY1nmljEToRcN55XktyW4TR4LTP2exYzp";
/// A target's host key.
pub const HOST: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEdArmNHsBcsASVP9VuuWv9RmfREbn9tZD1AGFs/R1FF";
/// ECDSA on each curve.
pub const P256: &str = concat!(
    "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBHL4dYFnTXgvpClv3ID1AQWy9FI6YD8HWN9YQp",
    "y5C5S6rMsb/lL/4W4bHs5oe8kMyxwi/ag2CBsOV1SYolXIUys=",
);
pub const P384: &str = concat!(
    "ecdsa-sha2-nistp384 AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAABhBFs1jmHi2qEQuP6c7Xxugp9NaF5Je1A5mKGXVX",
    "Ud27onFHex9L68y6V0nrEf29RvO7AWyHAy6eR/WbO7ckwlGr0aCjCEdr0OXkqUQb54i3Zaj/zn0ZVYEclVBQ0uj9EhHw==",
);
pub const P521: &str = concat!(
    "ecdsa-sha2-nistp521 AAAAE2VjZHNhLXNoYTItbmlzdHA1MjEAAAAIbmlzdHA1MjEAAACFBAEDkE4uHF5RvEml27Ae/mirdr/Hw1bq7KDaKb",
    "gdlCnHTlDV6+YYGWon6jpxreafODcwPdSHBVrF617uywOen0A75AEzkl9rwa/We7bn9lTtC5q/Y4SlxatQRnt2qhS4+NFSKSUpNzwJ0iupSiP6",
    "odeW/oxThTcrWd+rdbRklUqVh+5Ftw==",
);
/// RSA of 2048 bits.
pub const RSA: &str = concat!(
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQCaWLwfpxiAK358RHTmr58H3cH37RiW05GUFP1xgMjxbXKzJh7BB3P+49TacveOTD7oOElD55",
    "Y202mu8b4+ywaLoJAz6jLfvZGmbIsu2FiexE2oYMvCRSQH667A4F6cnK/tD8nlG08H2osq0mh3BUPBulYo+87tM5iszwc0sHcftJNmvD6t0666",
    "xwTxHZAQDQvdQxdDcVzxbysi0Nr3x1vo0bgox1bcCngtq9CzPihDt5sFR/yw6K/7ZtPmSgEt4dHb71Jqgdiro9yu+slWVLgbLY9S/+2ADHN2J5",
    "elTXgu3MmHOJlAtYZv04lmNNz80X0MbLuq98EjUxu1Hjhk3aYV",
);
/// RSA of 1024 bits.
pub const RSA_1024: &str = concat!(
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQCjR7Ajg8EZd1tJ1DkeAzozZGW/M/miFnOPpvbw8yaavfkuCDeZSbNolVbBuxNiSfsKobG5F3",
    "x0PgBtybFffbbjBsLYSEO/0yb/3vwCeJI5ujN7lt6yse93QqVb47cfNt77yU9y2kqjchqlnUtlRbie5lPK9puYXFxDZ3bIBqMxnw==",
);
/// DSA.
pub const DSA: &str = concat!(
    "ssh-dss AAAAB3NzaC1kc3MAAACBAKhzjeL/2L1UQyZ10WcdGV9PK8Fb9yORp5OeltXkv5FsSOiO1vsW3StYNidC8W0w9vN7l/mevriDnTrEa2",
    "BPTKi64yQhHzuwBBrjTgNyzLNyq5znnABixLwOcG8Ts7Jdn219UkCigvLhB57EbCIrMcCpzbOpnTiTFg366cRGhyILAAAAFQDwI6kzi2EBULLE",
    "A42CsIOw13nJpwAAAIEAjnyFiiXYs+cu3M5zCcCD3FwA1PqRMsib5m2lUch8cj51fLYr3WdV2iDBBynoAPem9I2XIyCqZfSRz8plKt+xmnO721",
    "4CORg02FYC6cuLJTN538aw4HumNIWjWZGSySa5z8XIkWeGpGXWjL+z5fu6GwhjwB9EWtG/SeVgNCYEvu0AAACAZFD6PXU6/+dcQLNoc8PbGcLY",
    "UDO8U3AZdoldSj1QZJi3eELBIRdAdQf3+udbTv32w3MkqfZI7+b3kV80JQYHxGGr+7bSsZrlcdLPpYYikpRavtWjYKc/R1qD5DC5PHU8RnfCGs",
    "fQAdKFaeVM1x/bqCX4+zMobBCVDQRg+U2JclQ=",
);
/// FIDO keys.
pub const SK_ED25519: &str = concat!(
    "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAINmwk5BWvugFdk5SGqN4HIXuzYifdQSXDTkNOXF",
    "WrJ8mAAAABHNzaDo=",
);
pub const SK_P256: &str = concat!(
    "sk-ecdsa-sha2-nistp256@openssh.com AAAAInNrLWVjZHNhLXNoYTItbmlzdHAyNTZAb3BlbnNzaC5jb20AAAAIbmlzdHAyNTYAAABBBHL",
    "4dYFnTXgvpClv3ID1AQWy9FI6YD8HWN9YQpy5C5S6rMsb/lL/4W4bHs5oe8kMyxwi/ag2CBsOV1SYolXIUysAAAAEc3NoOg==",
);
/// A certificate.
pub const CERTIFICATE: &str = concat!(
    "ecdsa-sha2-nistp256-cert-v01@openssh.com AAAAKGVjZHNhLXNoYTItbmlzdHAyNTYtY2VydC12MDFAb3BlbnNzaC5jb20AAAAg0ht8s",
    "6TdC18ONjvF8H2ICkumIu/JL3pjE0cCW957KnkAAAAIbmlzdHAyNTYAAABBBHL4dYFnTXgvpClv3ID1AQWy9FI6YD8HWN9YQpy5C5S6rMsb/lL",
    "/4W4bHs5oe8kMyxwi/ag2CBsOV1SYolXIUysAAAAAAAAAAAAAAAEAAAABeAAAAAgAAAAEcm9vdAAAAAAAAAAA//////////8AAAAAAAAAggAAA",
    "BVwZXJtaXQtWDExLWZvcndhcmRpbmcAAAAAAAAAF3Blcm1pdC1hZ2VudC1mb3J3YXJkaW5nAAAAAAAAABZwZXJtaXQtcG9ydC1mb3J3YXJkaW5",
    "nAAAAAAAAAApwZXJtaXQtcHR5AAAAAAAAAA5wZXJtaXQtdXNlci1yYwAAAAAAAAAAAAAAMwAAAAtzc2gtZWQyNTUxOQAAACDZsJOQVr7oBXZOU",
    "hqjeByF7s2In3UElw05DTlxVqyfJgAAAFMAAAALc3NoLWVkMjU1MTkAAABAic5tQZLjJHM1Gl5i656TckwqorJZfmh+Odqluqn8mnHyg8Y4R+3",
    "HlPvSAX4P1rCEeNtSDKsIk2XUlLwn4ewlCQ==",
);
/// A private key that nobody uses, with a passphrase.
pub const ENCRYPTED: &str = concat!(
    "-----BEGIN OPENSSH ",
    "PRIVATE KEY-----\n",
    "b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABBe25FUmU\n",
    "3/MmxGp3W48U1OAAAAEAAAAAEAAAAzAAAAC3NzaC1lZDI1NTE5AAAAINAOBUmGp1RnQtm4\n",
    "o1gfo8mm3ZwO0RX/mcFdjke+ZJIYAAAAkEMR4RCUzqbqes1obJ1LPEeASFmXRmZERUe6I1\n",
    "Qvd8gjNtO03Ev4Znn6T8+ccKAwnw2daXtUZAnFm+3zqyGdWe7tmaAEypQHAStO/678R2o+\n",
    "vYHoJFLaXG7iYtnT5ozsr2Lisgo7Y8MhSqB8E2xpX+Lz+wDO23GBIHtr1ihNe6wv++Rmd9\n",
    "uQ0dy/Na0ZbxvUsA==\n",
    "-----END OPENSSH ",
    "PRIVATE KEY-----\n",
);
