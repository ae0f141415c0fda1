// Encoder econ_t_chip: 8x8x1 image -> 16 latents of u1.8, an image every clock.
//
// Sums are machine integers: their range is known to fit, and synthesis keeps the bits of the accumulator type that
// they are assigned to. Every other width is explicit in encoder.h.
#include "encoder.h"

#ifdef CCS_SCVERIFY  // Catapult's verification flow wraps the top function
#include <mc_scverify.h>
#else
#define CCS_BLOCK(name) name
#endif

// Pixels that have a trigger cell (econt-8x8).
static const bool HAS_CELL[PIXELS] = {
    1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 1, 1, 1, 1,
    1, 1, 1, 1, 0, 0, 0, 0,
    1, 1, 1, 1, 0, 0, 0, 0,
    1, 1, 1, 1, 0, 0, 0, 0,
    1, 1, 1, 1, 0, 0, 0, 0,
};

// The weight image from bit offset on; whoever assigns it to a number keeps the bits of that number.
static unsigned long long field(const weight_byte_t registers[REGISTERS], int offset) {
  unsigned long long window = 0;
#pragma hls_unroll yes
FIELD_BYTE:
  for (int i = 0; i < 2; i++) {
    if (offset / 8 + i < REGISTERS) window |= (unsigned long long)registers[offset / 8 + i].to_uint() << 8 * i;
  }
  return window >> offset % 8;
}

static void conv_unpack(const weight_byte_t registers[REGISTERS], conv_weights_t &w) {
#pragma hls_unroll yes
CONV_UNPACK_ROW:
  for (int i = 0; i < 3; i++) {
#pragma hls_unroll yes
  CONV_UNPACK_COL:
    for (int j = 0; j < 3; j++) {
#pragma hls_unroll yes
    CONV_UNPACK_CHANNEL:
      for (int channel = 0; channel < 1; channel++) {
#pragma hls_unroll yes
      CONV_UNPACK_FILTER:
        for (int filter = 0; filter < 8; filter++) {
          const int n = (i * 3 + j) * 8 + filter;
          w.kernel[i][j][channel][filter] = field(registers, 6 * n);
        }
      }
    }
  }
#pragma hls_unroll yes
CONV_UNPACK_BIAS:
  for (int n = 0; n < 8; n++) {
    w.bias[n] = field(registers, 432 + 6 * n);
  }
}

static void dense_unpack(const weight_byte_t registers[REGISTERS], dense_weights_t &w) {
#pragma hls_unroll yes
DENSE_UNPACK_OUTPUT:
  for (int output = 0; output < 16; output++) {
#pragma hls_unroll yes
  DENSE_UNPACK_INPUT:
    for (int input = 0; input < 128; input++) {
      const int n = output * 128 + input;
      w.kernel[output][input] = field(registers, 480 + 6 * n);
    }
  }
#pragma hls_unroll yes
DENSE_UNPACK_BIAS:
  for (int n = 0; n < 16; n++) {
    w.bias[n] = field(registers, 12768 + 6 * n);
  }
}

// Requantise conv_relu: s5.7 -> u5.7; max(x, 0), saturated to 0..4095.
static conv_relu_out_t conv_relu_requantise(int sum) {
  conv_accum_t accum;
  accum.set_slc(0, ac_int<13, true>(sum > 0 ? sum : 0));
  const conv_relu_fixed_t out = accum;
  return out.slc<12>(0);
}

// Conv2D conv, (8, 8, 1) -> (4, 4, 8); kernel 3x3, stride (2, 2), zeros above 0, below 1, left 0, right 1.
// sum = bias + products, each floored to 7 fractional bits before it is added
static void conv_layer(const image_t x[64], const conv_weights_t &w,
                       conv_relu_out_t y[128]) {
#pragma hls_unroll yes
CONV_ROW:
  for (int row = 0; row < 4; row++) {
#pragma hls_unroll yes
  CONV_COL:
    for (int col = 0; col < 4; col++) {
      int sum[8];
#pragma hls_unroll yes
    CONV_BIAS:
      for (int filter = 0; filter < 8; filter++) {
        sum[filter] = w.bias[filter].to_int() * 4;
      }
#pragma hls_unroll yes
    CONV_TAP_ROW:
      for (int i = 0; i < 3; i++) {
#pragma hls_unroll yes
      CONV_TAP_COL:
        for (int j = 0; j < 3; j++) {
          const int r = 2 * row + i, c = 2 * col + j;
          if (r < 0 || r >= 8 || c < 0 || c >= 8) continue;  // a zero of the padding
#pragma hls_unroll yes
        CONV_CHANNEL:
          for (int channel = 0; channel < 1; channel++) {
#pragma hls_unroll yes
          CONV_FILTER:
            for (int filter = 0; filter < 8; filter++) {
              const conv_product_t product = (x[r * 8 + c] * w.kernel[i][j][channel][filter]) >> 5;
              sum[filter] += product.to_int();
            }
          }
        }
      }
#pragma hls_unroll yes
    CONV_OUTPUT:
      for (int filter = 0; filter < 8; filter++) {
        y[(row * 4 + col) * 8 + filter] = conv_relu_requantise(sum[filter]);
      }
    }
  }
}

// Requantise dense_relu: s12.8 -> u1.8; max(x, 0), saturated to 0..511.
static dense_relu_out_t dense_relu_requantise(int sum) {
  dense_accum_t accum;
  accum.set_slc(0, ac_int<21, true>(sum > 0 ? sum : 0));
  const dense_relu_fixed_t out = accum;
  return out.slc<9>(0);
}

// Dense dense, (4, 4, 8) -> (16,); inputs flattened as (row, col, channel).
// sum = bias + products, each floored to 8 fractional bits before it is added
static void dense_layer(const conv_relu_out_t x[128], const dense_weights_t &w,
                        dense_relu_out_t y[16]) {
#pragma hls_unroll yes
DENSE_OUTPUT:
  for (int output = 0; output < 16; output++) {
    int sum = w.bias[output].to_int() * 8;
#pragma hls_unroll yes
  DENSE_INPUT:
    for (int input = 0; input < 128; input++) {
      const dense_product_t product = (x[input] * w.kernel[output][input]) >> 4;
      sum += product.to_int();
    }
    y[output] = dense_relu_requantise(sum);
  }
}

#pragma hls_design top
#pragma hls_pipeline_init_interval 1
void CCS_BLOCK(econ_t_chip_encoder)(
    const image_t image[PIXELS],
    const weight_byte_t registers[REGISTERS],
    latent_t latents[LATENTS]) {
  image_t pixels[PIXELS];
#pragma hls_unroll yes
PIXEL:
  for (int p = 0; p < PIXELS; p++) {
    if (HAS_CELL[p]) pixels[p] = image[p];
    else pixels[p] = 0;
  }
  conv_weights_t conv_weights;
  conv_unpack(registers, conv_weights);
  dense_weights_t dense_weights;
  dense_unpack(registers, dense_weights);
  conv_relu_out_t conv_relu_out[128];
  conv_layer(pixels, conv_weights, conv_relu_out);
  dense_layer(conv_relu_out, dense_weights, latents);
}
