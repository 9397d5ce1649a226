// Findings as SARIF 2.1.0 (OASIS), for code scanning.

/** One finding, with where it was found. */
export interface SarifResult {
  readonly ruleId: string;
  readonly level: "error" | "warning" | "note";
  readonly message: string;
  /** Path of a file, or `undefined` for what a live server said. */
  readonly file: string | undefined;
  /** Where in it: a server, a tool, a field. */
  readonly place: string;
  /** True when the catalog accepts it. */
  readonly isAccepted: boolean;
}

export interface SarifRule {
  readonly id: string;
  readonly description: string;
  readonly category: string;
}

/** A whole SARIF log of one run, as a JSON value. */
export function sarifLog(
  rules: readonly SarifRule[],
  results: readonly SarifResult[],
): Record<string, unknown> {
  const places = new Map(rules.map(({ id }, index) => [id, index]));
  return {
    $schema: "https://json.schemastore.org/sarif-2.1.0.json",
    version: "2.1.0",
    runs: [
      {
        tool: {
          driver: {
            name: "portcullis",
            rules: rules.map(({ id, description, category }) => ({
              id,
              shortDescription: { text: description },
              properties: { category },
            })),
          },
        },
        results: results.map((result) => ({
          ruleId: result.ruleId,
          ...(places.has(result.ruleId) ? { ruleIndex: places.get(result.ruleId) } : {}),
          level: result.level,
          message: { text: result.message },
          locations: [locationOf(result)],
          ...(result.isAccepted ? { suppressions: [{ kind: "external" }] } : {}),
        })),
      },
    ],
  };
}

function locationOf({ file, place }: SarifResult): Record<string, unknown> {
  const logicalLocations = [{ fullyQualifiedName: place }];
  if (file === undefined) return { logicalLocations };
  const uri = file.split(/[\\/]/).map(encodeURIComponent).join("/");
  return { physicalLocation: { artifactLocation: { uri } }, logicalLocations };
}
