//! Recordings: asciicast, hash-chained while written, sealed when they end.
