//! stub
pub fn decode(_: &[u64; 6], _: i32) -> Option<String> {
    None
}
