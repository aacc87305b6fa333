const WIDTH = 2400;
const HEIGHT = 1280;
const MARGIN = 40;

/** Words in lines that fit. */
function lines(context, text, width) {
  const found = [""];
  for (const word of text.split(" ")) {
    const longer = `${found[found.length - 1]} ${word}`.trim();
    if (context.measureText(longer).width <= width) found[found.length - 1] = longer;
    else found.push(word);
  }
  return found;
}

/**
 * A picture for print, with what it is written on it.
 * @param {import("./stage.js").Stage} stage
 * @param {{left: string, right: string, week: string, notes: string[]}} words
 * @returns {HTMLCanvasElement}
 */
export function still(stage, words) {
  const picture = stage.still(WIDTH, HEIGHT);
  const sheet = document.createElement("canvas");
  const context = sheet.getContext("2d");
  const family = getComputedStyle(stage.canvas).fontFamily || "sans-serif";
  const [large, small] = [`600 40px ${family}`, `30px ${family}`];
  context.font = small;
  const notes = words.notes.flatMap((note) => lines(context, note, WIDTH - 2 * MARGIN));
  sheet.width = WIDTH;
  sheet.height = HEIGHT + 96 + 44 * notes.length + MARGIN;
  context.fillStyle = "#fff";
  context.fillRect(0, 0, sheet.width, sheet.height);
  context.drawImage(picture, 0, 80);
  context.fillStyle = "#1d2733";
  context.font = large;
  context.fillText(`${words.left}, ${words.week}`, MARGIN, 54);
  context.fillText(`${words.right}, ${words.week}`, WIDTH / 2 + MARGIN, 54);
  context.fillRect(WIDTH / 2 - 1, 80, 2, HEIGHT);
  context.font = small;
  notes.forEach((line, k) => context.fillText(line, MARGIN, HEIGHT + 80 + 44 * (k + 1)));
  return sheet;
}
