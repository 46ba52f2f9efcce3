// The camera's buttons: on and off, and recording.
import { type Camera, cameraObstacle, Recorder } from './camera.js';
import { announce, byId, download } from './dom.js';

/** Holds the running camera and its recording, and shows the buttons that go with them. */
export class CameraControls {
  private running: Camera | undefined;
  private recorder: Recorder | undefined;

  /** @param nameOf returns the name of a recording, without its extension. */
  constructor(private readonly nameOf: () => string) {
    const obstacle = cameraObstacle();
    if (obstacle === undefined) return;
    byId<HTMLButtonElement>('camera').disabled = true;
    byId('camera-note').textContent = obstacle;
  }

  /** The running camera. */
  get current(): Camera | undefined {
    return this.running;
  }

  /** Uses a camera that has started. */
  use(camera: Camera): void {
    this.running = camera;
    this.showButtons();
    announce('The camera is on.');
  }

  /** Turns the camera off, and saves what was recorded. */
  async stop(): Promise<void> {
    if (this.running === undefined) return;
    this.running.stop();
    this.running = undefined;
    this.showButtons();
    announce('The camera is off.');
    await this.finishRecording();
  }

  /** Starts a recording in the given size, px, or ends and saves the one that is running. */
  async toggleRecording(size: number | undefined): Promise<void> {
    if (this.recorder !== undefined) return this.finishRecording();
    if (size === undefined) return;
    this.recorder = new Recorder(size);
    announce('Recording.');
    this.showButtons();
  }

  /** Adds a frame to the recording, if there is one. */
  record(frame: HTMLCanvasElement): void {
    this.recorder?.draw(frame);
  }

  private async finishRecording(): Promise<void> {
    const { recorder } = this;
    this.recorder = undefined;
    this.showButtons();
    if (recorder === undefined) return;
    const name = this.nameOf();
    const { video, extension } = await recorder.finish();
    download(`${name}.${extension}`, video);
    announce('The recording is saved.');
  }

  private showButtons(): void {
    const isOn = this.running !== undefined;
    byId('camera-buttons').hidden = !isOn;
    // A frame of the camera is gone when it is translated.
    byId('save-photo').hidden = isOn;
    byId('turn').hidden = isOn;
    const record = byId('record');
    record.textContent = this.recorder === undefined ? 'Record' : 'Stop and save';
    record.setAttribute('aria-pressed', String(this.recorder !== undefined));
  }
}
