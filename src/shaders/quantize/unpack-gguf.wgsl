// Blocks of GGUF files (ggml-common.h of llama.cpp) into blocks of SIZE, one invocation each of these. A
// file's block has its scales beside its codes: of 32 elements, or of 256, whose parts have their own.
struct Params {
  first: u32,       // the row of the file's matrix that comes first
  count: u32,
  place: u32,       // the row of `blocks` that it becomes
  row_blocks: u32,  // of `blocks`
  elements: u32,    // of a block of the file
  bytes: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> packed: array<u32>;
@group(0) @binding(2) var<storage, read_write> blocks: array<u32>;

const Q4_0 = 2u;
const Q4_1 = 3u;
const Q5_0 = 6u;
const Q5_1 = 7u;
const Q8_0 = 8u;
const Q2_K = 10u;
const Q3_K = 11u;
const Q4_K = 12u;
const Q5_K = 13u;
const Q6_K = 14u;

fn byte_at(at: u32) -> u32 {
  return (packed[at / 4u] >> (8u * (at % 4u))) & 255u;
}

// The low or the high four bits.
fn nibble_at(at: u32, part: u32) -> u32 {
  return (byte_at(at) >> (4u * part)) & 15u;
}

// A half as it is: subnormal ones are the rule among scales, and devices may take them for 0.
fn half_at(at: u32) -> f32 {
  let bits = byte_at(at) | (byte_at(at + 1u) << 8u);
  let size = bits & 0x7fffu;
  let normal = bitcast<f32>((size << 13u) + (112u << 23u));
  let value = select(normal, f32(size) * 5.9604644775390625e-8, size < 0x400u);
  return select(value, -value, bits > 0x7fffu);
}

// Scale and minimum of a part of 32 of a Q4_K or Q5_K block, 6 bits each.
fn scale_min(at: u32, part: u32) -> vec2u {
  if (part < 4u) {
    return vec2u(byte_at(at + part), byte_at(at + part + 4u)) & vec2u(63u);
  }
  let high = vec2u(byte_at(at + part - 4u), byte_at(at + part)) >> vec2u(6u);
  let low = byte_at(at + part + 4u);
  return vec2u(low & 15u, low >> 4u) | (high << vec2u(4u));
}

// The code of element i of the block that begins at a byte.
fn code_in(block: u32, i: u32) -> u32 {
  switch TYPE {
    case Q4_0: {
      return nibble_at(block + 2u + i % 16u, i / 16u);
    }
    case Q4_1: {
      return nibble_at(block + 4u + i % 16u, i / 16u);
    }
    case Q5_0: {
      return nibble_at(block + 6u + i % 16u, i / 16u) | (bit_at(block + 2u, i) << 4u);
    }
    case Q5_1: {
      return nibble_at(block + 8u + i % 16u, i / 16u) | (bit_at(block + 4u, i) << 4u);
    }
    case Q8_0: {
      return byte_at(block + 2u + i) ^ 128u;
    }
    case Q2_K: {
      return pair_at(block + 16u, i);
    }
    case Q3_K: {
      return pair_at(block + 32u, i) | (((byte_at(block + i % 32u) >> (i / 32u)) & 1u) << 2u);
    }
    case Q4_K: {
      return nibble_at(block + 16u + 32u * (i / 64u) + i % 32u, (i / 32u) % 2u);
    }
    case Q5_K: {
      let low = nibble_at(block + 48u + 32u * (i / 64u) + i % 32u, (i / 32u) % 2u);
      return low | (((byte_at(block + 16u + i % 32u) >> (i / 32u)) & 1u) << 4u);
    }
    default: {  // Q6_K
      let low = nibble_at(block + 64u * (i / 128u) + i % 64u, (i % 128u) / 64u);
      return low | (pair_at(block + 128u, i) << 4u);
    }
  }
}

fn bit_at(at: u32, i: u32) -> u32 {
  return (byte_at(at + i / 8u) >> (i % 8u)) & 1u;
}

// Two bits: 32 bytes hold 128 elements, a quarter of them in each two bits.
fn pair_at(at: u32, i: u32) -> u32 {
  return (byte_at(at + 32u * (i / 128u) + i % 32u) >> (2u * ((i % 128u) / 32u))) & 3u;
}

// s and b of element i.
fn scale_in(block: u32, i: u32) -> vec2f {
  switch TYPE {
    case Q4_0: {
      return half_at(block) * vec2f(1.0, -8.0);
    }
    case Q5_0: {
      return half_at(block) * vec2f(1.0, -16.0);
    }
    case Q8_0: {
      return half_at(block) * vec2f(1.0, -128.0);
    }
    case Q4_1, Q5_1: {
      return vec2f(half_at(block), half_at(block + 2u));
    }
    case Q2_K: {
      let own = byte_at(block + i / 16u);
      let both = vec2f(half_at(block + 80u), half_at(block + 82u));
      return both * vec2f(f32(own & 15u), -f32(own >> 4u));
    }
    case Q3_K: {
      let part = i / 16u;
      let low = nibble_at(block + 96u + part % 8u, part / 8u);
      let high = (byte_at(block + 104u + part % 4u) >> (2u * (part / 4u))) & 3u;
      return half_at(block + 108u) * (f32(low | (high << 4u)) - 32.0) * vec2f(1.0, -4.0);
    }
    case Q4_K, Q5_K: {
      let own = vec2f(scale_min(block + 4u, i / 32u));
      return vec2f(half_at(block), half_at(block + 2u)) * own * vec2f(1.0, -1.0);
    }
    default: {  // Q6_K
      let own = bitcast<i32>(byte_at(block + 192u + i / 16u) << 24u) >> 24u;
      return half_at(block + 208u) * f32(own) * vec2f(1.0, -32.0);
    }
  }
}

@compute @workgroup_size(64)
fn unpack_gguf(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.count * params.row_blocks) {
    return;
  }
  // Rows are whole blocks of the file, and of ours: elements of either are counted alike.
  let element = (params.first * params.row_blocks + i) * SIZE;
  let own = (element / params.elements) * params.bytes;
  let first = element % params.elements;
  let block = params.place * params.row_blocks + i;
  for (var word = 0u; word < STORED_CODES; word += 1u) {
    var codes = 0u;
    for (var k = 0u; k < 32u / BITS; k += 1u) {
      codes |= code_in(own, first + word * (32u / BITS) + k) << (k * BITS);
    }
    store_codes(block, word, codes);
  }
  store_scale(block, scale_in(own, first));
}
