//! The wasmtime engine's settings.

use wasmtime::{Config, Enabled, Engine, InstanceAllocationStrategy, PoolingAllocationConfig};

use crate::Limits;
use crate::meter::TABLE_ELEMENTS;

/// Core modules in one component: a language's runtime that links dynamically has a few dozen.
const CORE_INSTANCES: u32 = 64;
const MEMORIES: u32 = 4;
const TABLES: u32 = 16;
/// So much of a memory stays in place from one call to the next, wiped: the kernel's giving and taking of pages costs more than
/// most calls do.
const MEMORY_KEPT: usize = 1 << 20;

/// An engine whose results depend on the component and its input alone, and whose calls can be stopped by work and by time.
pub(crate) fn engine(limits: &Limits) -> wasmtime::Result<Engine> {
    let calls = limits.concurrent_calls;
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(calls)
        .total_core_instances(calls * CORE_INSTANCES)
        .total_memories(calls * MEMORIES)
        .total_tables(calls * TABLES)
        .total_stacks(calls)
        .max_core_instances_per_component(CORE_INSTANCES)
        .max_memories_per_component(MEMORIES)
        .max_tables_per_component(TABLES)
        .max_memory_size(limits.memory_bytes)
        .table_elements(TABLE_ELEMENTS)
        .linear_memory_keep_resident(MEMORY_KEPT)
        // Where the kernel tells which pages a call wrote, only these are wiped.
        .pagemap_scan(Enabled::Auto);

    let mut config = Config::new();
    config
        .consume_fuel(true)
        .epoch_interruption(true)
        .cranelift_nan_canonicalization(true)
        .relaxed_simd_deterministic(true)
        .wasm_memory64(false)
        // Addresses would only make errors differ between builds of the same tool.
        .wasm_backtrace_max_frames(None)
        .generate_address_map(false)
        .max_wasm_stack(512 << 10)
        .allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    Engine::new(&config)
}
