// Squares of images as rows, one invocation an element: what makes an embedding of patches a product
// ("An Image is Worth 16x16 Words", Dosovitskiy et al., 2020, arXiv 2010.11929, section 3.1).
struct Params {
  images: u32,
  channels: u32,
  height: u32,
  width: u32,
  patch_height: u32,
  patch_width: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> pixels: array<f32>;  // (images, channels, height, width)
@group(0) @binding(2) var<storage, read_write> y: array<f32>;  // (images · patches, channels · size)

@compute @workgroup_size(64)
fn patches(
  @builtin(workgroup_id) id: vec3u,
  @builtin(num_workgroups) count: vec3u,
  @builtin(local_invocation_index) local: u32,
) {
  let i = 64u * workgroup_index(id, count) + local;
  let across = params.width / params.patch_width;
  let in_image = across * (params.height / params.patch_height);
  let size = params.patch_height * params.patch_width;
  let columns = params.channels * size;
  if (i >= params.images * in_image * columns) {
    return;
  }
  let own = i / columns;
  let place = own % in_image;
  let channel = (i % columns) / size;
  let within = i % size;
  let row = (place / across) * params.patch_height + within / params.patch_width;
  let column = (place % across) * params.patch_width + within % params.patch_width;
  let plane = (own / in_image) * params.channels + channel;
  y[i] = pixels[(plane * params.height + row) * params.width + column];
}
