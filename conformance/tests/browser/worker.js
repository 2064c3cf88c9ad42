"use strict";
const wanted = new URLSearchParams(self.location.search);
if (wanted.has("import")) importScripts(wanted.get("import"));
if (wanted.has("fetch")) fetch(wanted.get("fetch"), { method: "POST", mode: "no-cors", body: "" });
