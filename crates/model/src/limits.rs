//! Where does anything stop growing? Every bound of the model stands here, with what happens at it.

/// Seconds that a client stays with its endpoint: the API's bounds for `timeoutSeconds`.
pub const AFFINITY_TIMEOUT_S_MAX: u32 = 86_400;

/// The API server's default for `timeoutSeconds`: three hours.
pub const AFFINITY_TIMEOUT_S_DEFAULT: u32 = 10_800;

/// Endpoints of one Service port that one node uses. More are rejected, lowest addresses first kept.
pub const ENDPOINTS_PER_POOL_MAX: usize = 16_384;

/// Pools (sets of endpoints that share a random choice) of one family on one node: 20 bits.
pub const POOLS_MAX: u32 = (1 << 20) - 1;
