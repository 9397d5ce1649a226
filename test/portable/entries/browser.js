// A page: native ESM, or bundled. The driver calls `portable`.
import { conformance } from "./conformance.js";

globalThis.portable = async () => {
  const response = await fetch("/vectors.json");
  return JSON.stringify(await conformance(await response.json()));
};
