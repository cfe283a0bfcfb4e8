// An Express application as people write them. It prints its port.
const express = require("express");
const { WebSocketServer } = require("ws");
const { createHash } = require("node:crypto");

const app = express();
const items = new Map([["a", { id: "a", name: "first", tags: ["x", "y"] }]]);

app.get("/items", (request, response) => response.json([...items.values()].slice(0, Number(request.query.limit ?? 10))));
app.get("/items/:id", (request, response) => {
  const item = items.get(request.params.id);
  if (!item) return response.status(404).json({ error: "no such item" });
  response.json(item);
});
app.post("/items", express.json(), (request, response) => {
  const item = { id: String(items.size), ...request.body };
  response.status(201).location(`${request.protocol}://${request.get("host")}/items/${item.id}`).json(item);
});
app.put("/items/:id", express.json(), (request, response) => response.json({ ...request.body, id: request.params.id }));
app.delete("/items/:id", (request, response) => response.status(204).end());
app.post("/form", express.urlencoded({ extended: false }), (request, response) => response.json(request.body));
app.get("/cookies", (request, response) => response.cookie("a", "1").cookie("b", "2", { httpOnly: true }).json({ got: request.get("cookie") ?? "" }));
app.get("/old", (request, response) => response.redirect(302, "/items"));
app.get("/page", (request, response) => response.type("html").send("<!doctype html><title>é</title>"));
app.get("/long", (request, response) => response.json({ text: "x".repeat(300000) }));
app.get("/chunks", async (request, response) => {
  response.type("text/plain");
  for (const piece of ["one\n", "two\n", "three\n"]) {
    response.write(piece);
    await new Promise(setImmediate);
  }
  response.end();
});

// Each event goes out when the caller asks for it, so that a test sees whether one arrives before the next is there.
let next = null;
app.get("/events", (request, response) => {
  response.type("text/event-stream").set("Cache-Control", "no-store").flushHeaders();
  let n = 0;
  const mine = () => response.write(`id: ${n}\ndata: {"n": ${n++}}\n\n`);
  next = mine;
  request.on("close", () => {
    if (next === mine) next = null;
  });
});
app.post("/events/next", (request, response) => {
  next?.();
  response.status(204).end();
});

app.post("/upload", (request, response) => {
  const hash = createHash("sha256");
  let length = 0;
  request.on("data", (piece) => {
    length += piece.length;
    hash.update(piece);
  });
  request.on("end", () => response.json({ length, sha256: hash.digest("hex") }));
});

const server = app.listen(0, "127.0.0.1", () => console.log(server.address().port));
new WebSocketServer({ server, path: "/socket" }).on("connection", (socket) => {
  socket.on("message", (data, binary) => socket.send(data, { binary }));
});
process.on("SIGTERM", () => process.exit(0));
