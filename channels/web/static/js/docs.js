/* The page about the API needs nothing but its switches. */
import { setUpSwitches } from "./page.js";

setUpSwitches();
