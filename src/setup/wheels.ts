// The Python wheels that TensorFlow's library comes from, pinned by hash.

/** The TensorFlow release whose C library the engine uses. */
export const TENSORFLOW_VERSION = '2.21.0';

export type Device = 'cpu' | 'gpu';
export type Architecture = 'x64' | 'arm64';

/** A Python wheel, pinned by the hash of its file. */
export interface Wheel {
  /** Name in the Python package index. */
  name: string;
  version: string;
  sha256: string;
  /** Size of the wheel, bytes. */
  bytes: number;
  /** Size of the members to keep, bytes. */
  keptBytes: number;
  /** The wheel's own platform tag. */
  platform: string;
  /** The wheel's ABI tag. */
  abi: 'cp311' | 'none';
  /** Shell patterns of the members to keep, in which * matches slashes too. */
  keep: readonly string[];
}

const LICENCES = '*.dist-info/*icense*';
const TENSORFLOW_MEMBERS = [
  'tensorflow/libtensorflow_cc.so.2',
  'tensorflow/libtensorflow_framework.so.2',
  // The headers that native/session.cc includes, directly or not; thousands of others are for kernels.
  'tensorflow/include/tensorflow/c/*.h',
  ...['framework', 'graph', 'lib', 'platform', 'protobuf', 'public', 'util'].map(
    (folder) => `tensorflow/include/tensorflow/core/${folder}/*.h`,
  ),
  'tensorflow/include/tensorflow/core/common_runtime/device*.h',
  'tensorflow/include/tensorflow/core/common_runtime/next_pluggable_device/c/*.h',
  'tensorflow/include/tsl/*.h',
  'tensorflow/include/xla/tsl/*.h',
  'tensorflow/include/Eigen/*',
  'tensorflow/include/unsupported/Eigen/*',
  'tensorflow/include/absl/*.h',
  'tensorflow/include/absl/*.inc',
  'tensorflow/include/google/protobuf/*.h',
  'tensorflow/include/google/protobuf/*.inc',
  'tensorflow/include/ml_dtypes/*',
  'tensorflow/include/LICENSE',
  'tensorflow/THIRD_PARTY_NOTICES*',
];
const NVIDIA_MEMBERS = ['nvidia/*/lib/*.so*', LICENCES];
// XLA and the autotuner call the assembler and link the device library from this wheel.
const NVCC_MEMBERS = ['nvidia/cuda_nvcc/bin/*', 'nvidia/cuda_nvcc/nvvm/libdevice/*', LICENCES];

type Pin = [
  name: string,
  version: string,
  sha256: string,
  bytes: number,
  keptBytes: number,
  platform: string,
];

function tensorflowWheel(...[name, version, sha256, bytes, keptBytes, platform]: Pin): Wheel {
  return { name, version, sha256, bytes, keptBytes, platform, abi: 'cp311', keep: TENSORFLOW_MEMBERS };
}

function nvidiaWheel(...[part, version, sha256, bytes, keptBytes, platform]: Pin): Wheel {
  const keep = part === 'cuda-nvcc' ? NVCC_MEMBERS : NVIDIA_MEMBERS;
  return { name: `nvidia-${part}-cu12`, version, sha256, bytes, keptBytes, platform, abi: 'none', keep };
}

const CPU_X64 = [
  tensorflowWheel(
    'tensorflow-cpu',
    TENSORFLOW_VERSION,
    '2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c',
    273_829_956,
    895_000_000,
    'manylinux_2_27_x86_64',
  ),
];

// On 64-bit Arm the plain wheel has no CUDA.
const CPU_ARM64 = [
  tensorflowWheel(
    'tensorflow',
    TENSORFLOW_VERSION,
    '4b24aca16d527a3cf1c37f720c04c484c3d20f4d0fdfa98632ac8b9f3be6eb5c',
    281_828_020,
    925_000_000,
    'manylinux_2_27_aarch64',
  ),
];

/**
 * The CUDA libraries are those of the wheel's `and-cuda` extra, in the last release of CUDA 12, which supports GPUs that
 * are newer than TensorFlow's own 12.5. cuDNN stays at 9.10, the last version that supports GPUs before Turing.
 */
const GPU_X64 = [
  tensorflowWheel(
    'tensorflow',
    TENSORFLOW_VERSION,
    '9056fbc9ba04235810b71ae6cbd958a196e8804fb53bbcffbf3e23b56155f124',
    572_440_367,
    1_302_000_000,
    'manylinux_2_27_x86_64',
  ),
  nvidiaWheel(
    'cublas',
    '12.9.3.13',
    'd7d51055f161b317c7105ddaae90e71eda059026074ffef93cf7cde2886bfe72',
    581_217_458,
    855_123_678,
    'manylinux_2_27_x86_64',
  ),
  nvidiaWheel(
    'cuda-cupti',
    '12.9.79',
    '096bcf334f13e1984ba36685ad4c1d6347db214de03dbb6eebb237b41d9d934f',
    10_814_997,
    43_424_050,
    'manylinux_2_25_x86_64',
  ),
  nvidiaWheel(
    'cuda-nvcc',
    '12.9.86',
    '5d6a0d32fdc7ea39917c20065614ae93add6f577d840233237ff08e9a38f58f0',
    40_546_229,
    35_476_486,
    'manylinux2010_x86_64',
  ),
  nvidiaWheel(
    'cuda-nvrtc',
    '12.9.86',
    '210cf05005a447e29214e9ce50851e83fc5f4358df8b453155d5e1918094dcb4',
    89_568_129,
    227_400_254,
    'manylinux2010_x86_64',
  ),
  nvidiaWheel(
    'cuda-runtime',
    '12.9.79',
    '25bba2dfb01d48a9b59ca474a1ac43c6ebf7011f1b0b8cc44f54eb6ac48a96c3',
    3_493_179,
    800_350,
    'manylinux2014_x86_64',
  ),
  nvidiaWheel(
    'cudnn',
    '9.10.2.21',
    '949452be657fa16687d0930933f032835951ef0892b37d2d53824d1a84dc97a8',
    706_758_467,
    1_053_251_134,
    'manylinux_2_27_x86_64',
  ),
  nvidiaWheel(
    'cufft',
    '11.4.1.4',
    'c67884f2a7d276b4b80eb56a79322a95df592ae5e765cf1243693365ccab4e28',
    200_877_592,
    293_668_678,
    'manylinux2014_x86_64',
  ),
  nvidiaWheel(
    'curand',
    '10.3.10.19',
    '49b274db4780d421bd2ccd362e1415c13887c53c214f0d4b761752b8f9f6aa1e',
    68_295_626,
    167_024_694,
    'manylinux_2_27_x86_64',
  ),
  nvidiaWheel(
    'cusolver',
    '11.7.5.82',
    '15da72d1340d29b5b3cf3fd100e3cd53421dde36002eda6ed93811af63c40d88',
    338_117_415,
    495_034_326,
    'manylinux_2_27_x86_64',
  ),
  nvidiaWheel(
    'cusparse',
    '12.5.10.65',
    '73060ce019ac064a057267c585bf1fd5a353734151f87472ff02b2c5c9984e78',
    366_465_088,
    486_615_630,
    'manylinux2014_x86_64',
  ),
  nvidiaWheel(
    'nccl',
    '2.27.7',
    'de5ba5562f08029a19cb1cd659404b18411ed0d6c90ac5f52f30bf99ad5809aa',
    322_546_339,
    430_128_087,
    'manylinux2014_x86_64',
  ),
  nvidiaWheel(
    'nvjitlink',
    '12.9.86',
    'e3f1171dbdc83c5932a45f0f4c99180a70de9bd2718c1ab77d14104f6d7147f9',
    39_748_338,
    95_994_606,
    'manylinux2010_x86_64',
  ),
];

/** The wheels of libtensorflow for a device and processor; undefined if there are none. */
export function wheelsFor(device: Device, architecture: Architecture): readonly Wheel[] | undefined {
  if (architecture === 'arm64') return device === 'cpu' ? CPU_ARM64 : undefined;
  return device === 'cpu' ? CPU_X64 : GPU_X64;
}

/** Peak disk space of a set-up: everything that is kept, the largest wheel, and a margin; bytes. */
export function spaceNeeded(wheels: readonly Wheel[]): number {
  const kept = wheels.reduce((sum, wheel) => sum + wheel.keptBytes, 0);
  const largest = Math.max(0, ...wheels.map((wheel) => wheel.bytes));
  return kept + largest + 100_000_000;
}
