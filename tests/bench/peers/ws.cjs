// node `ws` as a fan-out server: one publish endpoint, one set, one buffer for everyone, no compression.
"use strict";
const http = require("node:http");
const { WebSocketServer } = require("ws");

const server = http.createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    const event = Buffer.concat(chunks);
    for (const client of sockets.clients) client.send(event, { binary: false });
    response.writeHead(202, { "content-length": 0 }).end();
  });
});
server.keepAliveTimeout = 300_000;
const sockets = new WebSocketServer({ server, path: "/live", perMessageDeflate: false });
server.listen({ port: 0, host: "127.0.0.1", backlog: 2048 }, () => {
  console.log(`listening on ${server.address().port}`);
});
