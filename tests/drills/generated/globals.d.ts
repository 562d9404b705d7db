// What client.ts needs of Node.js.
declare const process: { argv: string[]; exit(code: number): never };
