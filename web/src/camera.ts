// The camera, and recording of its translated frames.
import { contextOf } from '../../src/browser/image-output.js';
import { make } from './dom.js';
import type { Source } from './images.js';

/** Minimum side of a recorded video, px. */
const RECORDED_PX = 512;
const FRAMES_PER_SECOND = 30;
const VIDEO_TYPES = ['video/webm;codecs=vp9', 'video/webm;codecs=vp8', 'video/webm', 'video/mp4'];

/** A running camera. */
export class Camera {
  private constructor(
    private readonly video: HTMLVideoElement,
    private readonly stream: MediaStream,
  ) {}

  /** Asks for the camera and starts it. @throws Error with a message for the person. */
  static async start(video: HTMLVideoElement): Promise<Camera> {
    if (navigator.mediaDevices === undefined)
      throw new Error(
        'Browsers allow the camera on secure pages only: open this page over https, or on localhost.',
      );
    let stream: MediaStream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({
        video: { facingMode: 'user', width: { ideal: 1280 }, height: { ideal: 720 } },
        audio: false,
      });
    } catch (error) {
      const isBlocked = error instanceof DOMException && error.name === 'NotAllowedError';
      throw new Error(
        isBlocked
          ? 'The browser blocked the camera; allow it in the settings for this page.'
          : 'No camera could be started. Check that one is connected, and that no other program uses it.',
      );
    }
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
