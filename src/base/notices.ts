// Lets the runtime tell the program something before a long or unexpected thing, without printing it.

export type NoticeListener = (text: string) => void;

let listener: NoticeListener = () => undefined;

/** Sets what notices go to; by default to nothing. The command line prints them on standard error. */
export function onNotice(listen: NoticeListener): void {
  listener = listen;
}

/** Gives a sentence to the listener. */
export function notify(text: string): void {
  listener(text);
}
