// Spectra of frames as logarithms of their power in bands (Davis and Mermelstein, 1980, "Comparison of
// parametric representations for monosyllabic word recognition", section II). One invocation a band of a
// frame.
struct Params {
  frames: u32,      // of this piece
  bins: u32,
  bands: u32,
  taps: u32,        // weights of a band, at most
  item: u32,        // which sound of `y` it is
  first: u32,       // its first frame there
  all_frames: u32,  // of a sound
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> spectra: array<f32>;  // (frames, 2 · bins), real parts first
@group(0) @binding(2) var<storage, read> ranges: array<u32>;   // (bands, 2): the first bin, how many
@group(0) @binding(3) var<storage, read> weights: array<f32>;  // (bands, taps)
@group(0) @binding(4) var<storage, read_write> y: array<f32>;  // (sounds, bands, all frames)

const LOWEST_POWER = 1e-10;
const LOG10 = 0.4342944819032518;  // of e

@compute @workgroup_size(64)
fn log_mel(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  if (i >= params.frames * params.bands) {
    return;
  }
  let frame = i % params.frames;
  let band = i / params.frames;
  let spectrum = frame * 2u * params.bins + ranges[2u * band];
  var power = 0.0;
  for (var tap = 0u; tap < ranges[2u * band + 1u]; tap += 1u) {
    let re = spectra[spectrum + tap];
    let im = spectra[spectrum + params.bins + tap];
    power += weights[band * params.taps + tap] * (re * re + im * im);
  }
  let row = params.item * params.bands + band;
  y[row * params.all_frames + params.first + frame] = log(max(power, LOWEST_POWER)) * LOG10;
}
