// Passes notices from library code to the program, which may print them.

export type NoticeListener = (text: string) => void;

let listener: NoticeListener = () => undefined;

/** Sets the listener for notices; none by default. The command line prints them on standard error. */
export function onNotice(listen: NoticeListener): void {
  listener = listen;
}

/** Sends a notice, one sentence, to the listener. */
export function notify(text: string): void {
  listener(text);
}
