from penstock.server.__main__ import main

raise SystemExit(main())
