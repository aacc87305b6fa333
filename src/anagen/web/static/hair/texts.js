/** Words when the server sends none; the server's, in the reader's language, come first. */
export const TEXTS = {
  title: "The scalp, hair by hair",
  treated: "With treatment",
  untreated: "Without treatment",
  course: "Course",
  likely: "Likely",
  lucky: "Lucky",
  unlucky: "Unlucky",
  week: "Week {week}",
  time: "Time",
  play: "Play",
  pause: "Pause",
  view: "View",
  top: "Top",
  back: "Back",
  left: "Left",
  right: "Right",
  thinnest: "Thinnest place",
  nearer: "Nearer",
  farther: "Farther",
  save: "Save picture",
  picture:
    "Picture of the scalp in week {week}, {course}: with treatment on the left, without on the right",
  help:
    "Drag to turn, pinch or use plus and minus to come nearer. With the keyboard: arrow keys turn, " +
    "plus and minus come nearer, 0 goes back.",
  honest:
    "Simulated, not a photograph and not a promise. Each hair drawn stands for about {each}; hair is " +
    "drawn cut to {cut} mm. Between weeks {weeks} the picture goes in a straight line.",
  plain: "This browser cannot draw in 3D here, so the picture is simpler. It shows the same hairs.",
  numbers: "The same in numbers",
  missing: "Hair missing [%]",
  fine: "Fine hair among it [%]",
  broken: "The picture could not be read. Ask for it again.",
  loading: "Drawing the hair",
};

/** @param {Record<string, string> | undefined} given */
export function wording(given) {
  const words = { ...TEXTS, ...(given ?? {}) };
  return (key, values = {}) =>
    (words[key] ?? key).replace(/\{(\w+)\}/g, (whole, name) => String(values[name] ?? whole));
}
