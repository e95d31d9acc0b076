### Báo cáo ẩn danh (trang của người chăm sóc và của con) và trang lên tiếng.

reports-title = Báo cáo ẩn danh
reports-what = Khi nhiều nhà cùng gặp một trang lừa đảo hay làm hại trẻ em, hai cơ quan có thể biết tên trang đó.
reports-threshold = Từ { $households } nhà cùng báo một tên thì mới có người đọc được tên đó. Ít hơn thì không ai đọc được.
reports-same = Tuần nào máy cũng gửi chừng ấy thư, dài như nhau, vào lúc ngẫu nhiên, dù có gặp gì hay không.
reports-apart = Nơi chuyển thư thấy địa chỉ nhưng không mở được thư. Nơi mở được thư thì không thấy địa chỉ.
reports-blocks-nothing = Báo cáo không khóa trang nào. Lúc nào cũng có thể thôi.

reports-state = Hiện nay
report-mode-off-guardian = Đang tắt: người chăm sóc chưa đồng ý.
report-mode-off-child = Đang tắt: chưa phải mọi con từ 7 tuổi đều đồng ý.
report-mode-off-nobody = Đang tắt: chưa có nơi nhận, hoặc chưa có nơi chuyển thư để giấu địa chỉ.
report-mode-off-lab = Đang tắt: nơi nhận này chỉ để thử.
report-mode-off-one = Đang tắt: mới có một nơi nhận, mà cần hai nơi trông chừng nhau.
report-mode-counts = Chỉ gửi mỗi tuần một câu trả lời có thể do ngẫu nhiên, không gửi tên nào: mới có một nơi nhận, mà cần hai nơi trông chừng nhau.
report-mode-full = Đang bật: gửi tên mà đủ nhiều nhà gặp, và số đếm đã làm nhiễu.
reports-disabled = Cấu hình của máy đang tắt báo cáo. Câu trả lời ở đây được giữ cho đến khi bật.
reports-paused = Đang tạm dừng. Máy báo như sau:
reports-waiting = Thư đã niêm phong đang chờ: { $count }.

reports-asked = Ai được hỏi
reports-guardian = Người chăm sóc
reports-children = Tất cả con từ 7 đến 17 tuổi
reports-yes = đã đồng ý
reports-not-yet = chưa
reports-children-none = không có ai phải hỏi
reports-children-lead = Mỗi con trả lời trên thiết bị của mình, ở trang nhà của con. Ở đây không hiện con nào đã trả lời thế nào, để không con nào bị ép. Khi chỉ có một con thì điều đó đoán ra được; xin đừng hỏi dồn con.
reports-agree = Đồng ý gửi báo cáo ẩn danh
reports-withdraw = Thôi, không gửi nữa
reports-agree-lead = Xem hết trang này rồi hãy quyết định. Chưa đồng ý thì không có gì được gửi.
reports-withdraw-lead = Thôi là dừng ngay; mọi thứ đang chờ đều bị xóa.
reports-done-agreed = Đã ghi lời đồng ý.
reports-done-withdrawn = Đã thôi. Mọi thứ đang chờ gửi đã bị xóa.
reports-done-added = Đã thêm tên.
reports-done-removed = Đã bỏ tên.

reports-who = Ai nhận
reports-operator-a = Cơ quan đọc tên mà đủ nhiều nhà báo
reports-operator-b = Cơ quan trộn thư và giữ nửa chìa khóa
reports-relay = Nơi chuyển thư, chỉ thấy địa chỉ
reports-who-nobody = Chưa có nơi nhận nào.

reports-never = Không bao giờ gửi
reports-never-who = Ai gặp, trên thiết bị nào, ở địa chỉ nào, ngày nào, mấy giờ mấy phút.
reports-never-other = Tên của những trang khác, và phần đứng sau tên trang.
reports-never-help = Việc tìm nơi giúp đỡ, trang sức khỏe, nội dung được niêm phong.
reports-never-said = Những câu con hỏi, và những gì người chăm sóc làm.

reports-plan = Mỗi tuần gửi gì
reports-plan-kind = Thư
reports-plan-count = Số thư
reports-plan-octets = Mỗi thư, octet
reports-plan-all = Tất cả: { $octets } octet một tuần.
reports-plan-none = Chưa có nơi nhận nên chưa có kế hoạch gửi.
reports-times = { $count } thư, mỗi thư { $octets } octet
report-kind-tokens = Xin vé, để mỗi đường dây chỉ gửi có hạn
report-kind-question = Câu hỏi đã che kín
report-kind-report = Báo cáo, hoặc thư trống trông y như vậy
report-kind-week = Số đếm của tuần theo lứa tuổi và theo buổi, đã làm nhiễu và chia đôi
report-kind-answer = Một câu trả lời có thể do ngẫu nhiên
reports-example = Ví dụ với một tên bịa ra: trang { $name }, nhóm { $category }.
reports-octets = Xem từng octet

reports-now = Tuần này sẽ gửi gì
reports-none = Không có tên nào đang chờ.
reports-empty = Thư trống vẫn được gửi.
reports-candidate = Trang { $name }, nhóm { $category }
reports-hidden = Và { $count } tên của các con mà người chăm sóc không xem tên.
reports-cells = Đã gặp, trước khi làm nhiễu
reports-cell = { $band }: { $groups }
reports-cells-hidden = Và { $count } ô không hiện nhóm: của các con lớn hơn, hoặc theo giờ trong ngày.
reports-sent = Đã gửi
reports-sent-none = Chưa gửi gì.
reports-sent-when = Khi nào
reports-sent-octets = Octet

own-title = Tên của riêng nhà
own-lead = Biết một trang xấu mà máy chưa nhận ra thì ghi vào đây. Tên đó được đếm như mọi tên khác: phải đủ { $households } nhà cùng báo mới có người đọc được. Nó không khóa trang nào.
own-name = Tên trang
own-name-hint = Tên đăng ký được, như vi-du-lua-dao.example, không có phần đứng trước hay sau.
own-category = Đó là trang
own-add = Thêm tên
own-none = Chưa có tên nào.
own-remove = Bỏ
own-wrong-name = Đây không phải tên một trang.
own-wrong-below = Chỉ đếm tên đăng ký được. Hãy ghi { $name }.
own-wrong-ending = Đây là phần đuôi dùng chung của nhiều trang, không phải một trang.
own-wrong-long = Tên này dài quá, không báo cáo nào chứa nổi.
own-wrong-category = Hãy chọn một nhóm trong danh sách.
own-wrong-help = Đây là nơi giúp đỡ. Nơi giúp đỡ không bao giờ bị báo.
own-wrong-popular = Trang này ai cũng biết, không cần báo theo cách này.
own-wrong-full = Đã đủ 50 tên. Hãy bỏ bớt một tên trước.
own-wrong-twice = Tên này đã có.

## Trang hỏi con

say-link = Báo cáo ẩn danh: hỏi ý kiến
say-what = Có những trang lừa đảo hay làm hại trẻ em mà chưa ai biết.
say-family = Nếu cả nhà đồng ý, máy ở nhà báo tên những trang ấy cho hai cơ quan, cùng với nhiều nhà khác.
say-free = { $tone ->
    [con] Con muốn nói có hay không đều được. Con đổi ý lúc nào cũng được, không phải nói với ai.
    [em] Em nói có hay không đều được. Em đổi ý lúc nào cũng được, không phải nói với ai.
   *[ban] Bạn nói có hay không đều được. Bạn đổi ý lúc nào cũng được, không phải nói với ai.
}
say-agrees = { $tone ->
    [con] Con đã đồng ý.
    [em] Em đã đồng ý.
   *[ban] Bạn đã đồng ý.
}
say-agrees-not = { $tone ->
    [con] Con chưa đồng ý, nên không có gì được gửi.
    [em] Em chưa đồng ý, nên không có gì được gửi.
   *[ban] Bạn chưa đồng ý, nên không có gì được gửi.
}
say-sent = Báo cáo đang được gửi.
say-not-sent = Bây giờ chưa có gì được gửi.
say-yes = { $tone ->
    [con] Con đồng ý
    [em] Em đồng ý
   *[ban] Mình đồng ý
}
say-no = Không
say-change = { $tone ->
    [con] Con đổi ý
    [em] Em đổi ý
   *[ban] Mình đổi ý
}
say-seen = { $tone ->
    [con] Không ai được báo là con trả lời gì. Bố mẹ chỉ thấy “tất cả đã đồng ý” hay “chưa”.
    [em] Không ai được báo là em trả lời gì. Người lớn chỉ thấy “tất cả đã đồng ý” hay “chưa”.
   *[ban] Không ai được báo là bạn trả lời gì. Người chăm sóc chỉ thấy “tất cả đã đồng ý” hay “chưa”.
}
say-alone = { $tone ->
    [con] Nhà chỉ hỏi một mình con, nên bố mẹ có thể đoán ra.
    [em] Nhà chỉ hỏi một mình em, nên người lớn có thể đoán ra.
   *[ban] Nhà chỉ hỏi một mình bạn, nên người chăm sóc có thể đoán ra.
}

## Lên tiếng

foot-tell = Lên tiếng
tell-title = Lên tiếng
tell-lead = Bạn không có lỗi. Ghi lại điều đã xảy ra, rồi tự mình gửi cho nơi có thể giúp.
tell-private = Trang này không gửi gì và không lưu gì. Điều bạn viết chỉ nằm trên màn hình này; rời trang là mất.
tell-kinds = Chuyện gì đã xảy ra?
tell-kind-scam = Lừa tiền, mật khẩu hay mã xác nhận
tell-kind-lure = Người lạ rủ rê, hẹn gặp, xin ảnh
tell-kind-image = Ảnh bị lấy, bị ghép hay bị dọa đăng
tell-kind-bully = Bị bắt nạt, bêu xấu, đe dọa
tell-kind-harm = Rủ tự làm đau mình hay làm chuyện nguy hiểm
tell-kind-other = Chuyện khác
tell-site = Tên trang hay ứng dụng
tell-words = Kể bằng lời của bạn
tell-words-more = Không cần tên thật. Giữ lại tin nhắn, và đừng gửi ảnh của mình cho ai nữa.
tell-call = Có muốn được gọi lại không?
tell-call-no = Không
tell-call-yes = Có
tell-number = Số điện thoại và giờ gọi được
tell-text = Bản để gửi
tell-copy = Chép
tell-copied = Đã chép. Giờ có thể dán vào mẫu của nơi giúp đỡ.
tell-select = Đã bôi đen; hãy chép bằng phím hoặc giữ tay trên chữ.
tell-print = In
tell-save = Lưu thành tệp
tell-clear = Xóa hết
tell-file = ghi-chu.txt
tell-kept = Chép, in hay lưu thì bản ấy ở lại trên máy này, người khác dùng chung máy có thể thấy.
tell-paper = Viết ra giấy
tell-paper-lead = In trang này rồi điền tay, hoặc chép các câu hỏi ra giấy.
tell-where = Gửi cho ai?
tell-where-lead = Gọi và đọc lên, hoặc mở trang của nơi giúp đỡ rồi dán bản này vào mẫu ở đó.
