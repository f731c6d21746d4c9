//! How does memory that was needed once go back to the system?

/// Gives back what the allocator holds and nobody uses. After work that needed much more memory than
/// what stays: the allocator keeps it otherwise, in case it is needed again.
pub fn give_back() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    trim();
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "the allocator's own call has no safe form")]
fn trim() {
    // SAFETY: takes no pointer, may be called at any time from any thread, and touches only memory
    // that is free.
    unsafe { libc::malloc_trim(0) };
}

/// Lets all threads take memory from one place. By default each thread has its own, and what one
/// frees that another has filled is lost to both. Call it before the first thread starts.
pub fn share_between_threads() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    share();
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(unsafe_code, reason = "the allocator's own call has no safe form")]
fn share() {
    // SAFETY: takes two numbers; it only sets how many arenas the allocator makes from now on.
    unsafe { libc::mallopt(libc::M_ARENA_MAX, 1) };
}
