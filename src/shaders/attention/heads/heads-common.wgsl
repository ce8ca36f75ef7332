// What heads that are taken apart share with their gradient: how they lie, are rotated, and count.
struct Params {
  rows: u32,
  tokens: u32,
  heads: u32,
  key_heads: u32,
  head_size: u32,
  pairs: u32,
  pair_gap: u32,
  capacity: u32,
  rotary_scale: f32,
  eps: f32,
  offset: f32,
  beta: f32,
  period: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
// What a head is of.
const QUERY = 0u;
const KEY = 1u;
const VALUE = 2u;

// The first head of a kind among those of a token, where heads of a kind stand side by side.
fn first_of(kind: u32) -> u32 {
  return select(params.heads + (kind - KEY) * params.key_heads, 0u, kind == QUERY);
}

// What a head is of, by its number among the projections of a token.
fn kind_of(number: u32) -> u32 {
  if (INTERLEAVED) {
    return number % 3u;
  }
  return select(KEY + (number - params.heads) / params.key_heads, QUERY, number < params.heads);
}

// Cosine and sine of position · frequency. The frequency is given in turns a position, as a fraction
// of 64 bits (high word first), so that whole turns drop out of the product as overflow: the angle
// is as exact at position 131071 as at 1. Quarter turns are taken off next, for on the rest, at most
// π/4 to either side, a few terms of the series do; WGSL lets `cos` and `sin` err by 2⁻¹¹.
fn rotation(turn: vec2u, position: u32) -> vec2f {
  let low = f32(position) * (f32(turn.y) * 0x1p-32);
  let angle = position * turn.x + u32(low) + 0x20000000u;
  let a = f32(i32(angle & 0x3fffffffu) - 0x20000000) * 1.4629180792671596e-9;  // 2π / 2³²
  let z = a * a;
  let c = 1.0 - z * (1.0 / 2.0 - z * (1.0 / 24.0 - z * (1.0 / 720.0 - z * (1.0 / 40320.0))));
  let s = a * (1.0 - z * (1.0 / 6.0 - z * (1.0 / 120.0 - z * (1.0 / 5040.0 - z * (1.0 / 362880.0)))));
  let turned = select(vec2f(c, s), vec2f(-s, c), (angle & 0x40000000u) != 0u);
  return select(turned, -turned, (angle & 0x80000000u) != 0u);
}

// Where pair i of a head begins: in the first half of what rotates, or at every other element.
fn pair_start(i: u32) -> u32 {
  return select(i, 2u * i, params.pair_gap == 1u);
}

// Queries of later periods count more, so that attention to many keys stays sharp: Llama 4.
fn sharpness(token: u32) -> f32 {
  if (SHARPENED) {
    return 1.0 + params.beta * log(1.0 + f32(place[token].x / params.period));
  }
  return 1.0;
}
