// The camera, and recording of its translated frames.
import { messageOf } from '../../src/base/errors.js';
import { contextOf } from '../../src/browser/image-output.js';
import { make } from './dom.js';
import type { Source } from './images.js';

/** Minimum side of a recorded video, px. */
const RECORDED_PX = 512;
const FRAMES_PER_SECOND = 30;
const VIDEO_TYPES = ['video/webm;codecs=vp9', 'video/webm;codecs=vp8', 'video/webm', 'video/mp4'];

/**
 * Returns why this page cannot use a camera, for a person, with what to do; undefined if it may ask for one. Over plain http from
 * another machine, browsers do not even ask the person.
 */
export function cameraObstacle(): string | undefined {
  if (navigator.mediaDevices?.getUserMedia !== undefined) return undefined;
  if (globalThis.isSecureContext) return 'This browser lets no page use a camera.';
  const { hostname, port, pathname, search } = location;
  const name = hostname.replace(/^\[|\]$/g, '');
  const local = port || '8080';
  const path = pathname + search;
  const address = `http://localhost:${local}${path}`;
  return (
    'No camera here: browsers allow it only over https or on localhost. ' +
    `On ${name} itself, open http://localhost${port && `:${port}`}${path}. From another machine, run ` +
    `“ssh -L ${local}:${hostname}:${port || '80'} ${name}” and open ${address}, or serve the page over https.`
  );
}

/** Returns what went wrong with the camera, for a person, and what to do. */
function cameraFailure(error: unknown): string {
  switch (error instanceof DOMException ? error.name : '') {
    case 'NotAllowedError':
    case 'SecurityError':
      return 'The camera is blocked for this page. Allow it in the browser beside the address, or in the settings of the system, and click Camera again.';
    case 'NotFoundError':
    case 'OverconstrainedError':
      return 'There is no camera. Connect one, and click Camera again.';
    case 'NotReadableError':
    case 'AbortError':
      return 'The camera gives no picture, because another program uses it. Close that program, and click Camera again.';
    default:
      return `The camera does not start (${messageOf(error)}). Connect it again, or try another browser.`;
  }
}

/** A running camera. */
export class Camera {
  private constructor(
    private readonly video: HTMLVideoElement,
    private readonly stream: MediaStream,
  ) {}

  /**
   * Asks for the camera and starts it.
   *
   * @param onEnd called with a message for the person if the camera ends by itself.
   * @throws Error with a message for the person.
   */
  static async start(video: HTMLVideoElement, onEnd: (message: string) => void): Promise<Camera> {
    let stream: MediaStream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({
        video: { facingMode: 'user', width: { ideal: 1280 }, height: { ideal: 720 } },
        audio: false,
      });
    } catch (error) {
      throw new Error(cameraFailure(error), { cause: error });
    }
    for (const track of stream.getTracks())
      track.addEventListener('ended', () =>
        onEnd('The camera has stopped: it was unplugged, blocked, or taken by another program.'),
      );
    const camera = new Camera(video, stream);
    video.srcObject = stream;
    try {
      await video.play();
    } catch (error) {
      camera.stop();
      throw error;
    }
    return camera;
  }

  get source(): Source {
    return { image: this.video, width: this.video.videoWidth, height: this.video.videoHeight };
  }

  /** Captures the current frame. */
  async capture(): Promise<Source> {
    const image = await createImageBitmap(this.video);
    return { image, width: image.width, height: image.height };
  }

  stop(): void {
    for (const track of this.stream.getTracks()) track.stop();
    if (this.video.srcObject === this.stream) this.video.srcObject = null;
  }
}

/** Records frames as a video. */
export class Recorder {
  private readonly canvas = make('canvas');
  private readonly recorder: MediaRecorder;
  private readonly chunks: Blob[] = [];

  /** @throws Error where the browser cannot record. */
  constructor(size: number) {
    const side = Math.max(size, RECORDED_PX);
    this.canvas.width = side;
    this.canvas.height = side;
    const type = VIDEO_TYPES.find((each) => globalThis.MediaRecorder?.isTypeSupported(each));
    if (type === undefined) throw new Error('This browser cannot record video.');
    this.recorder = new MediaRecorder(this.canvas.captureStream(FRAMES_PER_SECOND), { mimeType: type });
    this.recorder.ondataavailable = ({ data }) => this.chunks.push(data);
    this.recorder.start(1000);
  }

  /** Adds a frame. */
  draw(frame: HTMLCanvasElement): void {
    contextOf(this.canvas).drawImage(frame, 0, 0, this.canvas.width, this.canvas.height);
  }

  /** Ends the recording. @returns the video, and the extension of its file name. */
  async finish(): Promise<{ video: Blob; extension: string }> {
    const { mimeType } = this.recorder;
    if (this.recorder.state !== 'inactive')
      await new Promise((resolve) => {
        this.recorder.onstop = resolve;
        this.recorder.stop();
      });
    for (const track of this.recorder.stream.getTracks()) track.stop();
    const extension = mimeType.startsWith('video/mp4') ? 'mp4' : 'webm';
    return { video: new Blob(this.chunks, { type: mimeType }), extension };
  }
}
